/**
 * Braintree signs one field of a form in another one, for each of an account's keys. No data: signatures are named by
 * public keys, and the payload may have lost its last line feed on the way.
 *
 * @module
 */

import type { EventBody } from "../../../event/event.ts";
import { eventTypeIn } from "../../../event/event_type.ts";
import { JsonPointer } from "../../../json/pointer.ts";
import { equalText } from "../../crypto/constant_time.ts";
import { BRAINTREE_CHALLENGE } from "../../challenges/by_query.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { keyOf } from "../../signature/key.ts";
import { base64In, type CodedScheme, FORM_TYPE, textOf, utf8 } from "./coded_scheme.ts";

interface BraintreeRequest {
  /** By public key. */
  readonly signatures: ReadonlyMap<string, string>;
  readonly payload: string;
}

/** HMAC-SHA1 in hexadecimal; the key is the SHA-1 of the private key (braintree 3.40.0). */
export const braintree: CodedScheme<BraintreeRequest> = {
  headers: [],
  needsUrl: false,
  read: ({ body }) => {
    const form = new URLSearchParams(textOf(body) ?? "");
    const [signature, ...others] = form.getAll("bt_signature");
    const [payload, ...more] = form.getAll("bt_payload");
    if (signature === undefined || payload === undefined || others.length + more.length > 0) return undefined;
    // Anybody can have a challenge signed, with the same key.
    if (BRAINTREE_CHALLENGE.test(payload.trimEnd())) return undefined;
    const pairs = signature.split("&").map((pair) => pair.split("|", 2));
    return { signatures: new Map(pairs.map(([key = "", value = ""]) => [key, value])), payload };
  },
  signed: ({ payload }) => payload.replace(/\n+$/, ""),
  prepare: (secret, { publicKey = "" }) => {
    const digest = new HmacDigest("sha1", keyOf(secret, "sha1")!);
    return ({ signatures, payload }) => {
      const signature = signatures.get(publicKey) ?? "";
      return [payload, `${payload}\n`].some((each) => equalText(digest.hex(utf8(each)), signature));
    };
  },
  sign: ({ method, url, body }, secret, { publicKey = "" }) => {
    const payload = `${body.toBase64()}\n`;
    const signature = new HmacDigest("sha1", keyOf(secret, "sha1")!).hex(utf8(payload));
    const form = new URLSearchParams({ bt_signature: `${publicKey}|${signature}`, bt_payload: payload });
    return { method, url, headers: { "Content-Type": FORM_TYPE }, body: utf8(form.toString()) };
  },
};

/** The kind of the notification in the payload: XML in base64, whose first element of this name it is. */
export function braintreeKind(_headers: Headers, document: EventBody): string | undefined {
  const payload = JsonPointer.of("bt_payload").scalarIn(document)?.text ?? "";
  const xml = textOf(base64In(payload.replaceAll(/\s+/g, "")) ?? new Uint8Array());
  return eventTypeIn(/<kind>([a-z_]+)<\/kind>/.exec(xml ?? "")?.[1]);
}
