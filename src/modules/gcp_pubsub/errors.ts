/**
 * What the errors of Pub/Sub mean for events, by their status words.
 *
 * @see https://cloud.google.com/pubsub/docs/reference/error-codes
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { parseRetryAfter } from "../../io/retry_after.ts";
import type { WholeAnswer } from "../../io/http_exchange.ts";
import { pause, reject, retry, type Verdict, verdictError, VerdictTable } from "../verdicts.ts";

/** A refused request. */
export interface Refusal {
  /** What it means for the events that met it. Where one of several is to blame, that of all is `reject`. */
  readonly error: DeliveryError;
  /** Whether another token may be taken. */
  readonly isOfToken: boolean;
}

const BUSY = retry("asks for fewer requests", { asksForFewer: true });
const FAILED = retry("has failed");
const RIGHT = pause("does not permit the credentials to publish to the topic");
const TOKEN = pause("does not take the credentials of the connection: look at the key, and at the clock");

/** Words of `google.rpc.Code`. */
const VERDICTS = new VerdictTable({
  "UNAVAILABLE INTERNAL ABORTED DEADLINE_EXCEEDED UNKNOWN CANCELLED": FAILED,
  RESOURCE_EXHAUSTED: BUSY,
  "INVALID_ARGUMENT OUT_OF_RANGE": reject("will not take the message as it is"),
  NOT_FOUND: pause("has no such topic: make it, or change the project"),
  PERMISSION_DENIED: RIGHT,
  UNAUTHENTICATED: TOKEN,
  FAILED_PRECONDITION: pause("cannot take messages for the topic: look at its settings"),
  UNIMPLEMENTED: pause("does not know such requests: change endpoint"),
}, retry("refused the request"));

/** By statuses, where the answer has no word, as with what stands in front of Pub/Sub. */
const STATUSES = new VerdictTable({
  "3*": pause("wants to be asked elsewhere: change endpoint"),
  413: reject("takes no request of this size"),
  401: TOKEN,
  403: RIGHT,
  404: pause("is not at the endpoint"),
  407: pause("is behind a proxy that refuses the request"),
  429: BUSY,
  "5*": FAILED,
}, retry("refused the request"));

const UNAUTHORIZED = 401;

/** Judges an answer that is no success. @param topic as Pub/Sub names it */
export function judgeRefusal(answer: WholeAnswer, server: string, topic: string): Refusal {
  const { status, headers } = answer;
  const word = wordIn(answer);
  const verdict: Verdict = word === undefined ? STATUSES.find(status) : VERDICTS.find(word);
  const message = `${server} ${verdict.text}: ${topic} (${word ?? status})`;
  const retryAfterSeconds = parseRetryAfter(headers["retry-after"], Date.now());
  const error = "asksForFewer" in verdict
    ? new DeliveryError("output_throttled", message, { retryAfterSeconds })
    : verdictError(verdict, message, { retryAfterSeconds });
  return { error, isOfToken: status === UNAUTHORIZED || word === "UNAUTHENTICATED" };
}

/** The word of an error: its message may quote what was sent. */
function wordIn({ body }: WholeAnswer): string | undefined {
  try {
    const { error } = JSON.parse(new TextDecoder().decode(body)) as { error?: { status?: unknown } };
    const word = error?.status;
    return typeof word === "string" && /^[A-Z_]{1,40}$/.test(word) ? word : undefined;
  } catch {
    return undefined; // A page of something in between.
  }
}
