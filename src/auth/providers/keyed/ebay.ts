/**
 * The verifier of eBay's notifications: signed by one of its keys, over the body as it is written again without white
 * space.
 *
 * @see https://developer.ebay.com/api-docs/commerce/notification/overview.html
 * @module
 */

import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { Buffer } from "node:buffer";
import type { BodyCheck, BodyVerifier, Refusal, RequestToVerify } from "../../verifier.ts";
import { base64In, objectIn, textOf, utf8 } from "../coded/coded_scheme.ts";
import type { KeyedSettings } from "./keyed.ts";

const HEADER = "x-ebay-signature";

/** Longest header, in characters. */
const MAX_HEADER = 4096;

interface EbaySignature {
  readonly key: KeyObject;
  readonly signature: Uint8Array;
}

/** ECDSA with SHA-1 (event-notification-nodejs-sdk 1.0.3), the public keys by their names. */
export class EbayVerifier implements BodyVerifier {
  readonly reads = "body";
  readonly #keys: ReadonlyMap<string, KeyObject>;

  constructor({ publicKeys = {} }: KeyedSettings) {
    this.#keys = new Map(Object.entries(publicKeys).map(([name, pem]) => [name, ebayKey(pem)]));
  }

  verify({ headers }: RequestToVerify): Refusal | BodyCheck {
    const found = this.#readHeader(headers.get(HEADER) ?? "");
    if (typeof found === "string") return refusal(found);
    const { key, signature } = found;
    return (body) => {
      const document = objectIn(textOf(body));
      if (document === undefined) return refusal("The body is not a JSON object");
      const content = utf8(JSON.stringify(document));
      return verify("sha1", content, key, signature)
        ? undefined
        : refusal("The signature does not match the body");
    };
  }

  #readHeader(text: string): EbaySignature | string {
    if (text === "") return `The header '${HEADER}' is missing`;
    const bytes = text.length > MAX_HEADER ? undefined : base64In(text);
    const { kid, signature: written } = objectIn(bytes && textOf(bytes)) ?? {};
    const signature = typeof written === "string" ? base64In(written) : undefined;
    if (typeof kid !== "string" || signature === undefined) {
      return `The header '${HEADER}' holds no signature`;
    }
    const key = this.#keys.get(kid);
    return key === undefined
      ? "The signature's key is not among the webhook's public_keys"
      : { key, signature };
  }
}

/** A key as eBay hands it out: PEM in one line. @throws {Error} when it is none */
export function ebayKey(pem: string): KeyObject {
  const base64 = pem.replace(/-----(?:BEGIN|END) PUBLIC KEY-----|\s+/g, "");
  return createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}
