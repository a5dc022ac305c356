/**
 * Signs requests as providers do that publish their keys: with a private key of the operator's own, whose certificate
 * or public key the webhook has in its settings.
 *
 * @module
 */

import { sign } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  CannotSignError,
  jsonObjectIn,
  privateKey,
  type RequestToSign,
  type SentRequest,
} from "../../signature/sign.ts";
import { utf8 } from "../coded/coded_scheme.ts";
import type { KeyedSettings } from "./keyed.ts";
import { signedFieldsOf } from "./sns_message.ts";

/** Signs with a private key in PEM. @param keyName what the request calls the key: its name, or its URL */
export type KeyedSigner = (
  request: RequestToSign,
  pem: string,
  settings: KeyedSettings,
  keyName: string | undefined,
) => SentRequest;

/** A body without a `Type` becomes the message of a notification. */
export function signAsSns(
  request: RequestToSign,
  pem: string,
  settings: KeyedSettings,
  keyName: string | undefined,
): SentRequest {
  const { method, url, body, now, id } = request;
  const text = new TextDecoder().decode(body);
  const given = /"Type"\s*:/.test(text) ? jsonObjectIn(body) : { Message: text };
  const message: Record<string, unknown> = {
    Type: "Notification",
    MessageId: id,
    TopicArn: settings.topics?.[0] ?? "arn:aws:sns:us-east-1:123456789012:test",
    Timestamp: new Date(now).toISOString(),
    ...given,
    SignatureVersion: "2",
    SigningCertURL: nameOfKey(keyName, settings.certificates, "certificates"),
  };
  const content = signedFieldsOf(message);
  if (content === undefined) throw new CannotSignError("The message lacks a field that is signed");
  const signature = sign("sha256", utf8(content), privateKey(pem)).toString("base64");
  return {
    method,
    url,
    headers: {
      "Content-Type": "text/plain; charset=UTF-8",
      "x-amz-sns-message-type": String(message["Type"]),
    },
    body: utf8(JSON.stringify({ ...message, Signature: signature })),
  };
}

/** The body is signed as it is without white space. */
export function signAsEbay(
  { method, url, body }: RequestToSign,
  pem: string,
  settings: KeyedSettings,
  keyName: string | undefined,
): SentRequest {
  const kid = nameOfKey(keyName, settings.publicKeys, "public_keys");
  const signature = sign("sha1", utf8(JSON.stringify(jsonObjectIn(body))), privateKey(pem));
  const proof = { alg: "ecdsa", kid, signature: signature.toString("base64"), digest: "SHA1" };
  return { method, url, body, headers: { "x-ebay-signature": utf8(JSON.stringify(proof)).toBase64() } };
}

/** Id, time and webhook are signed with a checksum of the body. */
export function signAsPaypal(
  { method, url, body, now, id }: RequestToSign,
  pem: string,
  settings: KeyedSettings,
  keyName: string | undefined,
): SentRequest {
  const time = new Date(now).toISOString();
  const content = [id, time, settings.webhookId ?? "", crc32(body)].join("|");
  const headers = {
    "paypal-transmission-id": id,
    "paypal-transmission-time": time,
    "paypal-transmission-sig": sign("sha256", utf8(content), privateKey(pem)).toString("base64"),
    "paypal-cert-url": nameOfKey(keyName, settings.certificates, "certificates"),
    "paypal-auth-algo": "SHA256withRSA",
  };
  return { method, url, body, headers };
}

function nameOfKey(
  given: string | undefined,
  known: Readonly<Record<string, string>> | undefined,
  setting: string,
): string {
  const [only, ...others] = Object.keys(known ?? {});
  if (given !== undefined) return given;
  if (only !== undefined && others.length === 0) return only;
  throw new CannotSignError(
    `It signs with a key of its own: name the one of yours that the webhook has in '${setting}' with --key`,
  );
}
