/**
 * Requests that differ from one that was refused by what often goes wrong: what passes then says what it was.
 *
 * @module
 */

import { SeveralSecrets } from "../../auth/several_secrets.ts";
import { type SignatureConfig, signatureSchema } from "../../auth/signature/settings.ts";
import { type CapturedRequest, judgeCaptured } from "./captured.ts";

/** A change of the request, or of the settings, and what it would mean if it helped. */
interface Change {
  readonly meaning: string;
  readonly request?: CapturedRequest;
  readonly config?: SignatureConfig;
}

const decoder = new TextDecoder();

/**
 * Why a request that was refused would pass, in sentences.
 *
 * @param now in milliseconds since 1970
 */
export async function nearMisses(
  config: SignatureConfig,
  request: CapturedRequest,
  now: number,
): Promise<readonly string[]> {
  const meanings: string[] = [];
  for (const change of changesOf(config, request)) {
    const reason = await judgeCaptured(change.request ?? request, change.config ?? config, now);
    if (reason === undefined) meanings.push(change.meaning);
  }
  return meanings;
}

function* changesOf(config: SignatureConfig, request: CapturedRequest): Generator<Change> {
  yield* changedBodies(request);
  yield* changedUrls(config, request);
  yield* changedSecrets(config);
}

function* changedBodies(request: CapturedRequest): Generator<Change> {
  const bytes = Uint8Array.fromBase64(request.bodyBase64);
  const text = decoder.decode(bytes);
  const other = (changed: string, meaning: string): Change[] =>
    changed === text
      ? []
      : [{ meaning, request: { ...request, bodyBase64: new TextEncoder().encode(changed).toBase64() } }];
  yield* other(text.replace(/\r?\n$/, ""), "A line feed was added at the end of the body: sign it without");
  yield* other(`${text}\n`, "The line feed at the end of the body was lost on the way");
  yield* other(text.replaceAll("\r\n", "\n"), "Line feeds of the body became CR LF on the way");
  yield* other(text.replaceAll(/(?<!\r)\n/g, "\r\n"), "CR LF of the body became line feeds on the way");
  for (const indent of [undefined, 2, 4]) {
    const written = rewritten(text, indent);
    if (written !== undefined) {
      yield* other(
        written,
        "The body was parsed and written again on the way: hand on the bytes as they came",
      );
    }
  }
}

function rewritten(text: string, indent: number | undefined): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), undefined, indent);
  } catch {
    // Not JSON.
    return undefined;
  }
}

function* changedUrls(config: SignatureConfig, request: CapturedRequest): Generator<Change> {
  const url = config.settings.public_url ?? request.url;
  const { public_url: _, ...settings } = config.settings;
  const withoutUrl = { ...config, settings: { ...settings, public_url: undefined } };
  const [path = "", query] = url.split("?", 2);
  const tail = query === undefined ? "" : `?${query}`;
  const others = [
    url.startsWith("https:") ? url.replace("https:", "http:") : url.replace("http:", "https:"),
    path.endsWith("/") ? path.slice(0, -1) + tail : `${path}/${tail}`,
    path,
    url.replace(/^(https?:\/\/[^/]+?):\d+/, "$1"),
  ];
  for (const other of new Set(others)) {
    if (other === url || !URL.canParse(other)) continue;
    yield {
      meaning: `The provider has signed the URL ${other}`,
      request: { ...request, url: other },
      config: withoutUrl,
    };
  }
}

/** What people add to a secret, or leave out. */
function* changedSecrets({ secret, settings }: SignatureConfig): Generator<Change> {
  const texts = secret instanceof SeveralSecrets
    ? secret.map((text) => text)
    : secret === undefined
    ? []
    : [secret];
  for (const text of texts) {
    const others: readonly (readonly [string, string])[] = [
      [text.replace(/^whsec_/, ""), "The secret was used without its beginning whsec_"],
      [`whsec_${text}`, "The secret lacks its beginning whsec_"],
      [text.replace(/^["'](.*)["']$/, "$1"), "The secret stands in quotation marks that are no part of it"],
      [text.replace(/\\n$/, ""), "The secret ends in \\n, which is no part of it"],
      [decodedText(text), "The secret is base64 of the text that was used"],
    ];
    for (const [other, meaning] of others) {
      if (other === text || other === "" || settings.secret === undefined) continue;
      const parsed = signatureSchema.safeParse({ ...settings, secret: other });
      if (parsed.success) yield { meaning, config: parsed.data };
    }
  }
}

function decodedText(text: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.fromBase64(text));
  } catch {
    // Not base64 of a text.
    return "";
  }
}
