/**
 * Values of headers as text. `Headers` shows each byte of a value as one character; senders write UTF-8.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** How `Headers` shows a text that was sent in UTF-8. */
export function asHeaderValue(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The text that was sent in UTF-8, from what `Headers` shows. Bytes that are no UTF-8 become U+FFFD. */
export function fromHeaderValue(value: string): string {
  return Buffer.from(value, "latin1").toString("utf8");
}
