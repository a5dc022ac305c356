/**
 * Which texts SQS takes: the characters of XML 1.0. What it does with others is documented in two ways, refusing the
 * message and replacing the characters, so none is left to it.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 * @module
 */

import type { EventBody } from "../../../event/event.ts";

/** All but `#x9 | #xA | #xD | #x20-#xD7FF | #xE000-#xFFFD | #x10000-#x10FFFF`, in a text whose surrogates are pairs. */
const NOT_TAKEN = /[^\t\n\r -\ufffd]/;

/** What texts of bodies are without. */
const BYTE_ORDER_MARK = "\ufeff";

/** Whether every character of a well-formed text is one that SQS takes. */
export function isTakenText(text: string): boolean {
  return !NOT_TAKEN.test(text);
}

/** The text whose UTF-8 the body's bytes are, where there is one and SQS takes it; it takes none that is empty. */
export function takenTextOf(body: EventBody): string | undefined {
  if (body.isEmpty || !body.isUtf8) return undefined;
  const { bytes, text } = body;
  // A JSON document has no other control characters, and none of ASCII is not taken besides.
  if (!(body.isKnownJson && body.isAscii) && !isTakenText(text)) return undefined;
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? BYTE_ORDER_MARK + text : text;
}
