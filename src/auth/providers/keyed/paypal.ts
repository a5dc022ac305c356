/**
 * The verifier of PayPal: its keys are published, and the webhook's own id is a part of what is signed.
 *
 * @see https://developer.paypal.com/api/rest/webhooks/rest/#link-verifyviaselfverification
 * @module
 */

import { verify, X509Certificate } from "node:crypto";
import { crc32 } from "node:zlib";
import { keyOfContent, type ReplayTtl } from "../../signature/signed_key.ts";
import type { BodyCheck, BodyVerdict, BodyVerifier, Refusal, RequestToVerify } from "../../verifier.ts";
import { base64In, utf8 } from "../coded/coded_scheme.ts";
import type { KeyedSettings } from "./keyed.ts";
import { PublishedKeys } from "./published_keys.ts";

/** Certificates stand nowhere but here. */
const CERTIFICATE_URL = /^https:\/\/api(?:\.sandbox)?\.paypal\.com\/[\w/.-]+$/;

const HEADERS = [
  "paypal-transmission-id",
  "paypal-transmission-time",
  "paypal-transmission-sig",
  "paypal-cert-url",
] as const;

/** RSA with SHA-256 over id, time, webhook and checksum of the body. */
export class PaypalVerifier implements BodyVerifier {
  readonly reads = "body";
  readonly #keys: PublishedKeys;
  readonly #webhookId: string;
  readonly #replayTtlMs: ReplayTtl;

  constructor({ certificates = {}, webhookId = "", replayTtlMs }: KeyedSettings) {
    this.#replayTtlMs = replayTtlMs;
    this.#keys = new PublishedKeys(certificates);
    this.#webhookId = webhookId;
  }

  verify({ headers, servers }: RequestToVerify): Refusal | BodyCheck {
    const values = HEADERS.map((name) => headers.get(name) ?? "");
    const missing = values.indexOf("");
    if (missing !== -1) return refusal(`The header '${HEADERS[missing]}' is missing`);
    const [id, time, signature, url] = values as [string, string, string, string];
    if (!CERTIFICATE_URL.test(url)) return refusal("The certificate does not stand at an address of PayPal");
    return async (body): Promise<BodyVerdict> => {
      const certificate = await this.#keys.at(url, servers);
      if (certificate === undefined) return refusal("There is no certificate where the request says");
      const content = utf8([id, time, this.#webhookId, crc32(body)].join("|"));
      if (!isSigned(content, signature, certificate)) return refusal("The signature does not match");
      return this.#replayTtlMs === undefined ? undefined : keyOfContent(content, this.#replayTtlMs);
    };
  }
}

function isSigned(content: Uint8Array, signature: string, pem: string): boolean {
  const bytes = base64In(signature);
  try {
    return bytes !== undefined && verify("sha256", content, new X509Certificate(pem).publicKey, bytes);
  } catch {
    // No certificate.
    return false;
  }
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}
