/**
 * Amazon SNS signs fields of its message with a key whose certificate stands at a URL in the message. No data: which
 * fields are signed depends on the message's type, and the certificate has to be fetched from Amazon alone.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 * @module
 */

import { verify, X509Certificate } from "node:crypto";
import { base64In, objectIn, textOf, utf8 } from "../coded/coded_scheme.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A message that has the form of one. */
export interface SnsMessage {
  readonly type: string;
  /** Is signed, as everything that tells messages apart. */
  readonly id: string;
  readonly topic: string;
  /** What confirms a subscription, where the message asks for that. */
  readonly subscribeUrl: string | undefined;
  readonly certificateUrl: string;
  readonly algorithm: "sha1" | "sha256";
  readonly content: Bytes;
  readonly signature: Bytes;
}

/** Fields that are signed, in this order. */
const NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const CONFIRMATION = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

/** Certificates stand nowhere but here. */
const CERTIFICATE_URL = /^https:\/\/sns\.[a-z0-9-]{3,}\.amazonaws\.com(?:\.cn)?\/[\w-]+\.pem$/;

/** Reads a message; `undefined` where the body is none. */
export function readSnsMessage(body: Bytes): SnsMessage | undefined {
  const message = objectIn(textOf(body));
  if (message === undefined) return undefined;
  const { Type, MessageId, TopicArn, SigningCertURL, SignatureVersion, Signature } = message;
  if (typeof Type !== "string" || typeof TopicArn !== "string" || typeof Signature !== "string") {
    return undefined;
  }
  const signature = base64In(Signature);
  if (typeof MessageId !== "string" || MessageId === "") return undefined;
  if (typeof SigningCertURL !== "string" || !CERTIFICATE_URL.test(SigningCertURL)) return undefined;
  if (SignatureVersion !== "1" && SignatureVersion !== "2") return undefined;
  const content = signedFieldsOf(message);
  if (content === undefined || signature === undefined) return undefined;
  return {
    type: Type,
    id: MessageId,
    topic: TopicArn,
    subscribeUrl: typeof message["SubscribeURL"] === "string" ? message["SubscribeURL"] : undefined,
    certificateUrl: SigningCertURL,
    algorithm: SignatureVersion === "1" ? "sha1" : "sha256",
    content: utf8(content),
    signature,
  };
}

/** What is signed of a message; `undefined` where a field of it is missing. */
export function signedFieldsOf(message: Readonly<Record<string, unknown>>): string | undefined {
  const names = message["Type"] === "Notification" ? NOTIFICATION : CONFIRMATION;
  let content = "";
  for (const name of names) {
    const value = message[name];
    if (value === undefined && name === "Subject") continue;
    if (typeof value !== "string") return undefined;
    content += `${name}\n${value}\n`;
  }
  return content;
}

/** Whether a message is signed with the key of a certificate. @param pem of the certificate */
export function isSignedBy({ algorithm, content, signature }: SnsMessage, pem: string): boolean {
  try {
    return verify(algorithm, content, new X509Certificate(pem).publicKey, signature);
  } catch {
    // No certificate.
    return false;
  }
}
