/**
 * The verifier of eBay's notifications: signed by one of its keys, over the body as it is written again without white
 * space.
 *
 * @see https://developer.ebay.com/api-docs/commerce/notification/overview.html
 * @module
 */

import { type KeyObject, verify } from "node:crypto";
import type { RepeatKey } from "../../../event/repeat_key.ts";
import { keyOfContent, keyOfId, type ReplayTtl } from "../../signature/signed_key.ts";
import type { BodyCheck, BodyVerdict, BodyVerifier, Refusal, RequestToVerify } from "../../verifier.ts";
import { base64In, isObject, objectIn, textOf, utf8 } from "../coded/coded_scheme.ts";
import { EbayKeys } from "./ebay_keys.ts";
import type { KeyedSettings } from "./keyed.ts";

const HEADER = "x-ebay-signature";

/** Longest header, in characters. */
const MAX_HEADER = 4096;

interface EbaySignature {
  /** Names the key. */
  readonly kid: string;
  readonly signature: Uint8Array;
}

/** ECDSA with SHA-1 (event-notification-nodejs-sdk 1.0.3), the public keys by their names. */
export class EbayVerifier implements BodyVerifier {
  readonly reads = "body";
  readonly #keys: EbayKeys;
  readonly #replayTtlMs: ReplayTtl;

  constructor({ publicKeys = {}, ebayApi, replayTtlMs }: KeyedSettings) {
    this.#replayTtlMs = replayTtlMs;
    this.#keys = new EbayKeys(publicKeys, ebayApi);
  }

  verify({ headers, servers }: RequestToVerify): Refusal | BodyCheck {
    const found = readHeader(headers.get(HEADER) ?? "");
    if (typeof found === "string") return refusal(found);
    const { kid, signature } = found;
    if (!this.#keys.mayHave(kid)) return refusal(NO_KEY);
    return (body) => {
      const key = this.#keys.at(kid, servers);
      return key instanceof Promise
        ? key.then((found) => judge(body, found, signature, this.#replayTtlMs))
        : judge(body, key, signature, this.#replayTtlMs);
    };
  }
}

const NO_KEY = "There is no key of the name that the signature has for it";

/** Whether a body is signed with the key. */
function judge(
  body: Uint8Array<ArrayBuffer>,
  key: KeyObject | undefined,
  signature: Uint8Array,
  replayTtlMs: ReplayTtl,
): BodyVerdict {
  if (key === undefined) return refusal(NO_KEY);
  const document = objectIn(textOf(body));
  if (document === undefined) return refusal("The body is not a JSON object");
  const content = utf8(JSON.stringify(document));
  if (!verify("sha1", content, key, signature)) return refusal("The signature does not match the body");
  return replayTtlMs === undefined ? undefined : keyOf(document, content, replayTtlMs);
}

/** The id of the notification, which is the same when it is sent again. */
function keyOf(
  { notification }: Readonly<Record<string, unknown>>,
  content: Uint8Array<ArrayBuffer>,
  ttlMs: number,
): RepeatKey {
  const id = isObject(notification) ? notification["notificationId"] : undefined;
  return typeof id === "string" && id !== "" ? keyOfId(id, ttlMs) : keyOfContent(content, ttlMs);
}

function readHeader(text: string): EbaySignature | string {
  if (text === "") return `The header '${HEADER}' is missing`;
  const bytes = text.length > MAX_HEADER ? undefined : base64In(text);
  const { kid, signature: written } = objectIn(bytes && textOf(bytes)) ?? {};
  const signature = typeof written === "string" ? base64In(written) : undefined;
  return typeof kid === "string" && signature !== undefined
    ? { kid, signature }
    : `The header '${HEADER}' holds no signature`;
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}
