/**
 * The verifier `hmac`: its configuration, and the check of a signature over the body.
 *
 * @module
 */

import { z } from "zod";
import { equalText } from "../crypto/constant_time.ts";
import { HASH_SIZES, type HashAlgorithm, HmacDigest } from "../crypto/hmac_digest.ts";
import { headerNameField } from "../../schema/header_names.ts";
import { missingHeader } from "../parsing/header_name.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import { type Secrets, secretsCheck, secretsField } from "../several_secrets.ts";
import type { BodyCheck, BodyVerifier, Refusal, RequestToVerify, VerifierKind } from "../verifier.ts";
import { mismatch } from "../refusal.ts";

/** How a signature is written down. */
type Encoding = "hex" | "base64";

/** The compiled value of the key `hmac`. */
export interface HmacConfig {
  readonly secret: Secrets;
  /** @default "X-HMAC-Signature" */
  readonly header: string;
  /** @default "sha256" */
  readonly algorithm: HashAlgorithm;
  /** Left out: either, which their length shows. */
  readonly encoding?: Encoding | undefined;
}

const configSchema: z.ZodType<HmacConfig> = z.strictObject({
  secret: secretsField("The key that sender and gateway share."),
  header: headerNameField().default("X-HMAC-Signature").meta({
    description: "The header that holds the signature, with or without `{algorithm}=` before it.",
  }),
  algorithm: z.string().toLowerCase().pipe(z.enum(["sha256", "sha1", "sha512"])).default("sha256").meta({
    description: "The hash function of the signature: `sha256`, `sha1` or `sha512`, in any case.",
  }),
  encoding: z.enum(["hex", "base64"]).optional().meta({
    description: "How the signature is written. Default: either.",
  }),
}).meta({ description: "A signature over the body's bytes as sent, keyed with a shared secret (RFC 2104)." });

/** `hmac`: a header holds a keyed hash of the body. */
export const hmac: VerifierKind<HmacConfig> = {
  key: "hmac",
  configSchema,
  example: { secret: "{$GITHUB_SECRET}", header: "X-Hub-Signature-256" },
  notes: [
    "The bytes are those that were sent, before any `Content-Encoding` is undone. A request without a signature is",
    "refused before its body is read.",
  ],
  compile: (config) => lazyVerifier("body", verifierOf, config),
};

function verifierOf(config: HmacConfig): BodyVerifier {
  return new HmacVerifier(config);
}

/** Whether a signature, in this encoding, is the body's. */
type SignatureCheck = (body: Uint8Array<ArrayBuffer>, signature: string, encoding: Encoding) => boolean;

class HmacVerifier implements BodyVerifier {
  readonly reads = "body";
  readonly #matches: SignatureCheck;
  readonly #header: string;
  readonly #prefix: string;
  /** Lengths of the three ways to write the digest; -1 where the configuration does not allow it. */
  readonly #hexLength: number;
  readonly #paddedLength: number;
  readonly #unpaddedLength: number;
  readonly #padding: string;
  readonly #missing: Refusal;
  readonly #malformed: Refusal;
  readonly #mismatch: Refusal;

  constructor({ secret, header, algorithm, encoding }: HmacConfig) {
    this.#matches = secretsCheck(secret, (key) => signatureCheck(algorithm, key));
    this.#header = header;
    this.#prefix = `${algorithm}=`;
    const { digestBytes } = HASH_SIZES[algorithm];
    const padded = Math.ceil(digestBytes / 3) * 4;
    const unpadded = Math.ceil(digestBytes * 4 / 3);
    this.#hexLength = encoding === "base64" ? -1 : digestBytes * 2;
    this.#paddedLength = encoding === "hex" ? -1 : padded;
    this.#unpaddedLength = encoding === "hex" ? -1 : unpadded;
    this.#padding = "=".repeat(padded - unpadded);
    this.#missing = missingHeader(header);
    this.#malformed = refusal(`The header '${header}' does not hold one ${algorithm} signature`);
    this.#mismatch = mismatch(refusal(`The signature in the header '${header}' does not match the body`));
  }

  verify({ headers }: RequestToVerify): Refusal | BodyCheck {
    const value = headers.get(this.#header);
    if (value === null || value === "") return this.#missing;
    const signature = value.startsWith(this.#prefix) ? value.slice(this.#prefix.length) : value;
    // Repeated headers arrive joined by a comma and have no valid length: they are refused here too.
    switch (signature.length) {
      case this.#hexLength:
        return this.#checkHex(signature.toLowerCase());
      case this.#paddedLength:
        return this.#checkBase64(signature);
      case this.#unpaddedLength:
        return this.#checkBase64(signature + this.#padding);
      default:
        return this.#malformed;
    }
  }

  #checkHex(signature: string): BodyCheck {
    return (body) => this.#matches(body, signature, "hex") ? undefined : this.#mismatch;
  }

  #checkBase64(signature: string): BodyCheck {
    return (body) => this.#matches(body, signature, "base64") ? undefined : this.#mismatch;
  }
}

/**
 * The digest is written in the signature's encoding, rather than the signature decoded: two texts are then equal in one
 * way only, and no malformed signature needs a rule of its own.
 */
function signatureCheck(algorithm: HashAlgorithm, key: string): SignatureCheck {
  const digest = new HmacDigest(algorithm, new TextEncoder().encode(key));
  return (body, signature, encoding) =>
    equalText(encoding === "hex" ? digest.hex(body) : digest.base64(body), signature);
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}
