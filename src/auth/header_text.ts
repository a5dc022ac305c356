/**
 * Values of headers as text. `Headers` shows each byte of a value as one character; senders write UTF-8.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Nearly no text has any, and is the same both ways: buffers take memory outside of the heap. */
const OTHER_THAN_ASCII = /[\u0080-\uffff]/;

/** How `Headers` shows a text that was sent in UTF-8. */
export function asHeaderValue(text: string): string {
  return OTHER_THAN_ASCII.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}

/** The text that was sent in UTF-8, from what `Headers` shows. Bytes that are no UTF-8 become U+FFFD. */
export function fromHeaderValue(value: string): string {
  return OTHER_THAN_ASCII.test(value) ? Buffer.from(value, "latin1").toString("utf8") : value;
}
