/**
 * Values of received headers as text for systems whose texts are UTF-8.
 *
 * @module
 */

import { Buffer, isUtf8 } from "node:buffer";

const BEYOND_ASCII = /\P{ASCII}/u;

/**
 * What a sender means by a header: each of its characters is a byte, and senders that go beyond ASCII mean UTF-8. One
 * that is no UTF-8 stays as it is.
 */
export function headerText(value: string): string {
  if (!BEYOND_ASCII.test(value)) return value;
  const bytes = Buffer.from(value, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : value;
}
