/**
 * Adyen's classic notifications carry a signature for each item, over some of its fields. No data: the body is a list
 * of items, and every one must be right.
 *
 * @module
 */

import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { keyOf } from "../../signature/key.ts";
import { CannotSignError, jsonObjectIn } from "../../signature/sign.ts";
import { type CodedScheme, isObject, objectIn, textOf, utf8 } from "./coded_scheme.ts";

interface AdyenItem {
  readonly signature: string;
  readonly content: string;
}

/** HMAC-SHA256 in base64, the key in hexadecimal (@adyen/api-library 32.1.0). */
export const adyen: CodedScheme<readonly AdyenItem[]> = {
  headers: [],
  needsUrl: false,
  read: ({ body }) => {
    const items = objectIn(textOf(body))?.["notificationItems"];
    if (!Array.isArray(items) || items.length === 0) return undefined;
    const read = items.map(readItem);
    return read.includes(undefined) ? undefined : read as AdyenItem[];
  },
  fits: (secret) => keyOf(secret, "hex") !== undefined,
  // Whoever captured them may send the items in any order, and any of them several times.
  signed: (items) => [...new Set(items.map(({ content }) => content))].sort().join("\n"),
  prepare: (secret) => {
    const digest = new HmacDigest("sha256", keyOf(secret, "hex")!);
    return (items) =>
      items.every(({ signature, content }) => equalText(digest.base64(utf8(content)), signature));
  },
  sign: ({ method, url, body }, secret) => {
    const notification = jsonObjectIn(body);
    const items = notification["notificationItems"];
    if (!Array.isArray(items) || items.length === 0) {
      throw new CannotSignError("The body has no notificationItems, whose items are signed");
    }
    const digest = new HmacDigest("sha256", keyOf(secret, "hex")!);
    const signed = { ...notification, notificationItems: items.map((item) => signedItem(item, digest)) };
    return { method, url, headers: {}, body: utf8(JSON.stringify(signed)) };
  },
};

function signedItem(entry: unknown, digest: HmacDigest): unknown {
  const item = isObject(entry) ? entry["NotificationRequestItem"] : undefined;
  if (!isObject(item)) throw new CannotSignError("An item has no NotificationRequestItem, which is signed");
  const further = isObject(item["additionalData"]) ? item["additionalData"] : {};
  const additionalData = { ...further, hmacSignature: digest.base64(utf8(contentOf(item))) };
  return { NotificationRequestItem: { ...item, additionalData } };
}

function readItem(entry: unknown): AdyenItem | undefined {
  const item = isObject(entry) ? entry["NotificationRequestItem"] : undefined;
  if (!isObject(item) || !isObject(item["additionalData"])) return undefined;
  const signature = item["additionalData"]["hmacSignature"];
  if (typeof signature !== "string" || signature === "") return undefined;
  return { signature, content: contentOf(item) };
}

function contentOf(item: Readonly<Record<string, unknown>>): string {
  const amount = isObject(item["amount"]) ? item["amount"] : {};
  const fields = [
    item["pspReference"],
    item["originalReference"],
    item["merchantAccountCode"],
    item["merchantReference"],
    amount["value"],
    amount["currency"],
    item["eventCode"],
    item["success"],
  ];
  return fields.map((field) => field ?? "").join(":");
}
