/**
 * The answer of a destination that goes back to the sender of the event.
 *
 * @module
 */

import type { OutgoingHttpHeaders } from "node:http";
import { type AnswerSlot, MAX_ANSWER_BYTES, type OutputAnswer } from "../../event/output_answer.ts";
import type { Destination, ReceivedAnswer } from "../../io/http_client.ts";
import { refusingProxy } from "./answers.ts";

/** How much of such an answer's body is kept, in bytes: one more shows that there is more. */
export const KEPT_OF_ANSWER = MAX_ANSWER_BYTES + 1;

/** An attempt begins: what another one was answered with is no longer the answer. */
export function prepareAnswer(slot: AnswerSlot, headers: OutgoingHttpHeaders): void {
  slot.answer = undefined;
  // What the body is compressed with would be said by a header that does not go back.
  headers["accept-encoding"] = "identity";
}

/** What the sender gets; a sentence where it should have had it, and `undefined` for what is no answer to an event. */
export function answerForSender(
  { status, headers, body, isWhole }: ReceivedAnswer,
  destination: Destination,
): OutputAnswer | string | undefined {
  const isSuccess = status >= 200 && status < 300;
  if (refusingProxy(status, destination) !== undefined) return undefined;
  if (!isSuccess && (status < 400 || status > 599)) return undefined;
  const coding = headers["content-encoding"] || "identity";
  if (body.byteLength > MAX_ANSWER_BYTES) {
    return `The destination's answer is longer than ${MAX_ANSWER_BYTES} bytes`;
  }
  if (!isWhole) return "The destination's answer broke off";
  if (coding.toLowerCase() !== "identity") {
    return "The destination's answer is compressed, though that was not asked for";
  }
  return { status, contentType: headers["content-type"], body };
}
