/**
 * The first cases of a new configuration, for `cwm test`.
 *
 * @module
 */

import { dialogues } from "../../auth/challenges/dialogues.ts";
import type { Provider } from "../../auth/providers/provider.ts";
import { signAs } from "../../auth/providers/signing.ts";
import { CannotSignError } from "../../auth/signature/sign.ts";
import type { OutputSample } from "./outputs.ts";
import type { SignatureSample } from "./signature_sample.ts";

/** A file of cases, as it is written. */
export interface FirstCases {
  readonly cases: readonly Readonly<Record<string, unknown>>[];
}

/** The keys of a case's request that say what its body is. */
type SampleBody = { readonly json: unknown } | { readonly text: string } | {
  readonly form: Readonly<Record<string, string>>;
};

/** What a reference stands for as long as its variable is not set. */
export function defaultOf(reference: unknown): string {
  return /^\{\$\w+:(.*)\}$/s.exec(String(reference))?.[1] ?? "";
}

/**
 * An event that is delivered, where it can be signed, and a request without a signature that is refused.
 *
 * @param name of the provider and of its webhook
 */
export async function firstCases(
  name: string,
  provider: Provider,
  signature: SignatureSample,
  { webhook }: OutputSample,
): Promise<FirstCases> {
  const body = sampleBody(name, provider);
  const { accepted, refused } = dialogues[name] ?? {};
  const request = { webhook: name, ...body };
  const payload = await payloadOf(name, signature, body);
  const { module, connection } = webhook;
  const to = { ...module === undefined ? {} : { module }, ...connection === undefined ? {} : { connection } };
  const delivered = {
    name: `an event of ${provider.title} is delivered`,
    request: { ...request, sign: true },
    expect: { status: accepted?.status ?? 200, deliveries: [{ ...to, ...payload }] },
  };
  const unsigned = {
    name: "a request without a signature is refused",
    request,
    expect: { status: refused?.status ?? 401 },
  };
  return { cases: payload === undefined ? [unsigned] : [delivered, unsigned] };
}

/** What an output is handed of a signed event; nothing is said of one that the provider wraps or writes into. */
async function payloadOf(
  name: string,
  { secret, signature, publicUrl = "" }: SignatureSample,
  body: SampleBody,
): Promise<{ readonly json?: unknown } | undefined> {
  if (secret === undefined) return undefined;
  const settings = Object.fromEntries(Object.entries(signature).map(([key, value]) => [key, plain(value)]));
  const keyName = typeof settings["key"] === "string" ? settings["key"] : undefined;
  const bytes = new TextEncoder().encode("json" in body ? JSON.stringify(body.json) : "");
  try {
    const request = { method: "POST", url: publicUrl, body: bytes, now: Date.now(), id: "one" };
    const sent = await signAs(name, { secret, keyName, settings }, request);
    return "json" in body && sent.body === bytes ? { json: body.json } : {};
  } catch (error) {
    if (error instanceof CannotSignError) return undefined;
    throw error;
  }
}

function plain(value: unknown): unknown {
  return typeof value === "string" && value.startsWith("{$") ? defaultOf(value) : value;
}

/** A body that the provider could send. */
function sampleBody(name: string, { forms }: Provider): SampleBody {
  if (name === "adyen") {
    const item = { pspReference: "one", eventCode: "AUTHORISATION", success: "true" };
    return { json: { live: "false", notificationItems: [{ NotificationRequestItem: item }] } };
  }
  if (name === "braintree") return { text: "<notification><timestamp>1</timestamp></notification>" };
  if (forms !== undefined && forms.field === undefined) return { form: { From: "+15550100", Body: "hello" } };
  return { json: { id: "evt_1", type: "test" } };
}
