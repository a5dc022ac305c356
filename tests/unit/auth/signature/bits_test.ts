import { assert } from "@std/assert";
import fc from "fast-check";
import { providers } from "../../../../src/auth/providers/providers.ts";
import { signAs } from "../../../../src/auth/providers/signing.ts";
import type { SentRequest } from "../../../../src/auth/signature/sign.ts";
import { accepts } from "../../../support/signatures/cases.ts";
import { type Material, materialOf } from "../../../support/signatures/material.ts";
import { proofHeaders } from "../../../support/signatures/proof_headers.ts";

const NOW = Date.UTC(2026, 10, 30, 12);
const URL_OF_WEBHOOK = "https://hooks.example.com/webhook/shop/orders?b=2&a=1";

/** Tries for each preset, and each part of its requests. */
const TRIES = 8;

/** Where a part of the body alone is signed, or carries the proof: what that part looks like. */
const SIGNED_PARTS: Readonly<Record<string, RegExp>> = {
  mailgun: /"(?:timestamp|token|signature)":"[^"]+"/,
  figma: /"passcode":"[^"]+"/,
  msgraph: /"clientState":"[^"]+"/,
  adyen: /"(?:hmacSignature|pspReference|eventCode|success)":"[^"]+"/,
  "dropbox-sign": /"event_(?:time|type|hash)":"[^"]+"/,
  // Not what is escaped, which has two spellings.
  braintree: /(?<=%7C)[0-9a-f]+|(?<=bt_payload=)[A-Za-z0-9]+/,
  sns: /"(?:Message|MessageId|Timestamp|TopicArn|Signature)":"[^"]+"/,
};

/** Whose proof does not cover the body: it carries the secret itself, or signs other things. */
const NO_BODY = ["plivo-v2", "atlassian-connect", "postmark", "chargebee", "supabase", "telegram"];

/** Bodies that a provider cannot send otherwise. */
const BODIES: Readonly<Record<string, string>> = {
  adyen: JSON.stringify({
    notificationItems: [{
      NotificationRequestItem: { pspReference: "psp-1", eventCode: "AUTHORISATION", success: "true" },
    }],
  }),
  plivo: "From=15551112222&Text=Hello",
};

for (const [preset, provider] of Object.entries(providers)) {
  Deno.test(`${preset} refuses a request in which one bit of its proof was changed`, async () => {
    const material = await materialOf(preset, provider, "one");
    const body = new TextEncoder().encode(BODIES[preset] ?? '{"id":"evt_1","text":"Grüße"}');
    const request = { method: "POST", url: URL_OF_WEBHOOK, body, now: NOW, id: "msg_1" };
    const signed = await signAs(preset, material.key, request);
    assert(await passes(preset, material, signed), "as it is");
    const names = new Set(proofHeaders(preset).map((name) => name.toLowerCase()));
    const proof = Object.keys(signed.headers).filter((name) => names.has(name.toLowerCase()));
    for (const name of proof) {
      await refuses(preset, material, (at, bit) => withHeaderBit(signed, name, at, bit));
    }
    if (!NO_BODY.includes(preset)) {
      await refuses(preset, material, (at, bit) => withBodyBit(preset, signed, at, bit));
    }
    assert(proof.length > 0 || !NO_BODY.includes(preset));
  });
}

/** Tries random places. @param change the request with another bit; `undefined` where it cannot be sent */
async function refuses(
  preset: string,
  material: Material,
  change: (at: number, bit: number) => SentRequest | undefined,
): Promise<void> {
  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  await fc.assert(
    fc.asyncProperty(place, fc.nat(7), async (at, bit) => {
      const changed = change(at, bit);
      return changed === undefined || !await passes(preset, material, changed);
    }),
    { numRuns: TRIES },
  );
}

function withHeaderBit(signed: SentRequest, name: string, at: number, bit: number): SentRequest | undefined {
  const value = signed.headers[name]!;
  const index = Math.floor(at * value.length);
  const other = String.fromCharCode(value.charCodeAt(index) ^ (1 << bit));
  const changed = value.slice(0, index) + other + value.slice(index + 1);
  const headers = { ...signed.headers, [name]: changed };
  if (name.toLowerCase() === "x-ebay-signature" && saysTheSame(value, changed)) return undefined;
  // White space at an end is none of the value, and some characters no header can have.
  return other.charCodeAt(0) < 0x20 || changed.trim() !== changed ? undefined : { ...signed, headers };
}

/** What eBay's header has beside the signature and the key's name is not signed. */
function saysTheSame(value: string, changed: string): boolean {
  try {
    const [before, after] = [value, changed].map((text) => JSON.parse(atob(text)));
    return before.kid === after.kid && before.signature === after.signature;
  } catch {
    return false;
  }
}

function withBodyBit(preset: string, signed: SentRequest, at: number, bit: number): SentRequest {
  const body = signed.body.slice();
  const parts = partsOf(preset, body);
  const part = parts[Math.floor(at * parts.length)]!;
  const within = at * parts.length % 1;
  body[part.start + Math.floor(within * (part.end - part.start))]! ^= 1 << bit;
  return { ...signed, body };
}

/** The parts of a body that are signed; all of it as one, for most. */
function partsOf(
  preset: string,
  body: Uint8Array,
): readonly { readonly start: number; readonly end: number }[] {
  const form = SIGNED_PARTS[preset];
  if (form === undefined) return [{ start: 0, end: body.length }];
  // One character a byte, so that places in the text are places in the body.
  const text = Array.from(body, (byte) => String.fromCharCode(byte)).join("");
  return [...text.matchAll(new RegExp(form, "g"))].map(({ index, 0: found }) => ({
    start: index,
    end: index + found.length,
  }));
}

async function passes(preset: string, { config }: Material, signed: SentRequest): Promise<boolean> {
  const { method, url, headers, body } = signed;
  const captured = { method, url, headers: { ...headers }, bodyBase64: body.toBase64() };
  const given = { preset, config, now: NOW / 1000, request: captured, valid: true, why: "" };
  return await accepts(given, captured, NOW / 1000);
}
