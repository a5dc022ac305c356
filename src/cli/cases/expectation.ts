/**
 * Compares what a case expects with what was seen.
 *
 * @module
 */

import type { Expectation, ExpectedDelivery } from "./case_file.ts";
import { type Difference, differencesOf } from "./difference.ts";
import { canonicalText, parseExact } from "./exact_json.ts";
import type { SeenDelivery } from "./recorder.ts";
import { withoutSecrets } from "../print/without_secrets.ts";

/** What a request was answered with, and where its event went. */
export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly deliveries: readonly ConfiguredDelivery[];
}

/** An event that an output was handed, and `module-config` of that output. */
interface ConfiguredDelivery extends SeenDelivery {
  readonly config: Readonly<Record<string, unknown>>;
}

/** What is seen of something that is not there. */
const NONE = "(none)";

/** Everything that differs. */
export function compare(expected: Expectation, seen: Seen): readonly Difference[] {
  return [
    ...differencesOf("status", String(expected.status), String(seen.status)),
    ...compareError(expected.error, seen.body),
    ...compareHeaders("headers", expected.headers, (name) => seen.headers.get(name)),
    ...compareBody("", expected, seen.body),
    ...compareDeliveries(expected.deliveries, seen.deliveries),
  ];
}

function compareError(expected: string | undefined, body: Uint8Array): readonly Difference[] {
  if (expected === undefined) return [];
  return differencesOf("error", expected, errorCodeIn(textOf(body)) ?? NONE);
}

/** The code of an answer `{"error":{"code":"…"}}`. */
function errorCodeIn(text: string): string | undefined {
  const answer = parsed(text) as
    | { readonly value?: { readonly error?: { readonly code?: unknown } } }
    | undefined;
  const code = answer?.value?.error?.code;
  return typeof code === "string" ? code : undefined;
}

function compareHeaders(
  place: string,
  expected: Readonly<Record<string, string | null>>,
  find: (name: string) => string | null | undefined,
): readonly Difference[] {
  return Object.entries(expected).flatMap(([name, value]) =>
    differencesOf(`${place}.${name}`, value ?? NONE, find(name) ?? NONE)
  );
}

function compareBody(
  place: string,
  expected: {
    readonly json?: unknown;
    readonly text?: string | undefined;
    readonly base64?: string | undefined;
  },
  body: Uint8Array,
): readonly Difference[] {
  if ("json" in expected) {
    const seen = textOf(body);
    const document = parsed(seen);
    const shown = document === undefined ? seen : canonicalText(document.value);
    return differencesOf(`${place}json`, canonicalText(expected.json), shown)
      .map((difference) => ({ ...difference, isJson: true }));
  }
  if (expected.text !== undefined) return differencesOf(`${place}text`, expected.text, textOf(body));
  if (expected.base64 === undefined) return [];
  return differencesOf(`${place}base64`, expected.base64, body.toBase64());
}

function compareDeliveries(
  expected: readonly ExpectedDelivery[],
  seen: readonly ConfiguredDelivery[],
): readonly Difference[] {
  if (expected.length !== seen.length) {
    return [{
      place: "deliveries",
      expected: describeAll(expected.map(describeExpected)),
      seen: describeAll(seen.map(describeSeen)),
    }];
  }
  const inOrder = expected.toSorted((one, other) => (one.step ?? 0) - (other.step ?? 0));
  return inOrder.flatMap((each, index) =>
    compareDelivery(`deliveries.${expected.indexOf(each)}.`, each, seen[index]!)
  );
}

function compareDelivery(
  place: string,
  expected: ExpectedDelivery,
  seen: ConfiguredDelivery,
): readonly Difference[] {
  const named = (["step", "module", "connection", "destination", "type"] as const).flatMap((key) => {
    const value = expected[key];
    return value === undefined
      ? []
      : differencesOf(place + key, String(value ?? NONE), String(seen[key] ?? NONE));
  });
  const configured = Object.entries(expected.config).flatMap(([name, value]) => {
    const shown = withoutSecrets({ [name]: seen.config[name] }) as Readonly<Record<string, unknown>>;
    const isSame = canonicalText(value) === canonicalText(seen.config[name] ?? null);
    return isSame
      ? []
      : differencesOf(`${place}config.${name}`, canonicalText(value), canonicalText(shown[name] ?? null));
  });
  return [
    ...named,
    ...configured,
    ...compareHeaders(`${place}headers`, expected.headers, (name) => seen.headers.get(name.toLowerCase())),
    ...compareBody(place, expected, seen.body),
  ];
}

function describeAll(deliveries: readonly string[]): string {
  return deliveries.length === 0 ? NONE : deliveries.join("\n");
}

function describeExpected({ step, module, connection }: ExpectedDelivery): string {
  const to = [module, connection].filter((name) => name !== undefined && name !== null).join(" ");
  return [...step === undefined ? [] : [`step ${step}`], to === "" ? "a delivery" : to].join(": ");
}

function describeSeen({ step, module, connection, body }: SeenDelivery): string {
  const to = connection === undefined ? module : `${module} ${connection}`;
  return `step ${step}: ${to}, ${body.length} bytes`;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: parseExact(text) };
  } catch {
    return undefined; // Not JSON: shown as it is.
  }
}
