/**
 * Signatures of deliveries by Standard Webhooks, so that a target can believe the gateway and nobody else.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @module
 */

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { z } from "zod";
import { HmacDigest } from "../../auth/crypto/hmac_digest.ts";
import { type Secrets, secretsField } from "../../auth/several_secrets.ts";
import { keyOf } from "../../auth/signature/key.ts";
import { secretField } from "../../schema/fields.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How secrets begin, by which the specification tells their kinds. */
const SYMMETRIC = "whsec_";
const PRIVATE = "whsk_";
const PUBLIC = "whpk_";

/** How long a symmetric key may be by the specification, in bytes. */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

/** Length of a private and of a public key of Ed25519 (RFC 8032, section 5.1.5), in bytes. */
const ED25519_BYTES = 32;

/** What stands before the key of Ed25519 in PKCS #8 (RFC 8410, section 7). */
const PKCS8_HEAD = Uint8Array.fromHex("302e020100300506032b657004220420");

const ID_HEADER = "webhook-id";
const TIMESTAMP_HEADER = "webhook-timestamp";
const SIGNATURE_HEADER = "webhook-signature";

/** The headers of a signed delivery; no others of these names are sent with it. */
export const SIGNING_HEADERS: readonly string[] = [ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER];

/** Contents up to this length, in bytes, are put together in memory that is used again. */
const MAX_KEPT_CONTENT = 64 * 1024;

/** Room for the content of one signature: it is filled and read without anything else running in between. */
const room = new Uint8Array(MAX_KEPT_CONTENT);

const encoder = new TextEncoder();

/** Signs with one key: the version and the signature, as they stand in the header. */
type Signing = (content: Bytes) => string;

/** Signs the deliveries of a webhook, with every secret that is configured. */
export class DeliverySigner {
  readonly #keys: readonly Signing[];

  /** @param secrets each of them must have passed the schema */
  constructor(secrets: Secrets) {
    const signing = (secret: string) => parseSecret(secret) as Signing;
    this.#keys = typeof secrets === "string" ? [signing(secrets)] : secrets.map(signing);
  }

  /**
   * Sets the headers of a signed delivery.
   *
   * @param id stays the same in every attempt at the event
   * @param now when the attempt begins, in milliseconds since 1970
   */
  sign(headers: Record<string, unknown>, id: string, body: Bytes, now = Date.now()): void {
    const timestamp = String(Math.floor(now / 1000));
    const content = contentOf(`${id}.${timestamp}.`, body);
    headers[ID_HEADER] = id;
    headers[TIMESTAMP_HEADER] = timestamp;
    headers[SIGNATURE_HEADER] = this.#keys.map((signing) => signing(content)).join(" ");
  }
}

const signingSecret: z.ZodType<string, string> = secretField().superRefine((secret, context) => {
  if (context.issues.length > 0) return; // Of several things that are wrong the first is reported.
  const key = parseSecret(secret);
  if (typeof key === "string") context.addIssue({ code: "custom", message: key });
});

/** `sign` of `module-config`, which ends in what signs. */
export const signSchema: z.ZodType<DeliverySigner> = z.strictObject({
  secret: secretsField(
    "`whsec_` and 24 to 64 random bytes in base64, which the destination has as well; or `whsk_` and a private key " +
      "of Ed25519 in base64, of which the destination has the public one.",
    signingSecret,
  ),
}).transform(({ secret }) => new DeliverySigner(secret));

/** What signs with a secret, or in one sentence what is wrong with it, which does not show it. */
function parseSecret(secret: string): Signing | string {
  if (secret.startsWith(PUBLIC)) {
    return `This is a public key: give the private one, which begins with ${PRIVATE}`;
  }
  if (secret.startsWith(SYMMETRIC)) return symmetric(decoded(secret, SYMMETRIC));
  if (secret.startsWith(PRIVATE)) return asymmetric(decoded(secret, PRIVATE));
  return `Must begin with ${SYMMETRIC} or, for a private key of Ed25519, with ${PRIVATE}`;
}

function decoded(secret: string, strip: string): Bytes | undefined {
  return keyOf(secret, { strip, form: "base64", without: "refused" });
}

function symmetric(key: Bytes | undefined): Signing | string {
  if (key === undefined) return `What stands behind ${SYMMETRIC} is not base64`;
  if (key.length < MIN_KEY_BYTES || key.length > MAX_KEY_BYTES) {
    return `Must hold ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes behind ${SYMMETRIC}, not ${key.length}`;
  }
  const digest = new HmacDigest("sha256", key);
  return (content) => `v1,${digest.base64(content)}`;
}

/** @param bytes the private key, perhaps with the public one behind it, as Svix writes it */
function asymmetric(bytes: Bytes | undefined): Signing | string {
  if (bytes === undefined) return `What stands behind ${PRIVATE} is not base64`;
  if (bytes.length !== ED25519_BYTES && bytes.length !== 2 * ED25519_BYTES) {
    return `Must hold the ${ED25519_BYTES} bytes of a private key of Ed25519 behind ${PRIVATE}, or ` +
      `${2 * ED25519_BYTES} with the public key, not ${bytes.length}`;
  }
  const key = privateKey(bytes.subarray(0, ED25519_BYTES));
  const publicKey = bytes.subarray(ED25519_BYTES);
  if (publicKey.length > 0 && publicKey.toHex() !== publicBytesOf(key)) {
    return `The public key behind ${PRIVATE} does not belong to the private one`;
  }
  return (content) => `v1a,${sign(null, content, key).toString("base64")}`;
}

function privateKey(bytes: Bytes): KeyObject {
  const der = new Uint8Array(PKCS8_HEAD.length + ED25519_BYTES);
  der.set(PKCS8_HEAD);
  der.set(bytes, PKCS8_HEAD.length);
  return createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
}

function publicBytesOf(key: KeyObject): string {
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return spki.subarray(-ED25519_BYTES).toString("hex");
}

/** What is signed. The next call may use its memory again. @param head ASCII */
function contentOf(head: string, body: Bytes): Bytes {
  const length = head.length + body.length;
  const content = length <= MAX_KEPT_CONTENT ? room.subarray(0, length) : new Uint8Array(length);
  encoder.encodeInto(head, content);
  content.set(body, head.length);
  return content;
}
