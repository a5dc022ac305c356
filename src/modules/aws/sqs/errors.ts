/**
 * What the errors of SQS mean for the events that met them.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
 * @module
 */

import type { DeliveryError } from "../../../errors.ts";
import { pause, reject, retry, type Verdict, verdictError } from "../../verdicts.ts";
import type { AwsRefusal } from "../refusal.ts";
import { AwsVerdicts } from "../verdicts.ts";

/** The right that sending needs. */
export const SEND_RIGHT = "SendMessage";

/** What SQS says of characters that it does not take. */
export const INVALID_CONTENTS = "InvalidMessageContents";

const MISSING = pause("does not have it");
const NOT_THIS = reject("does not take the message");
const TOO_LARGE = reject("takes no message of this size");

/** Beside those of all services. */
export const SQS_VERDICTS = new AwsVerdicts({
  "QueueDoesNotExist NonExistentQueue QueueDeletedRecently": MISSING,
  [INVALID_CONTENTS]: reject("does not take characters of the message"),
  "InvalidParameterValue InvalidAttributeValue InvalidParameterCombination MissingParameter": NOT_THIS,
  "InvalidMessageAttributes ValidationError ValidationException SerializationException": NOT_THIS,
  "BatchRequestTooLong MessageTooLong": TOO_LARGE,
  InvalidAddress: pause("knows no such queue_url"),
  UnsupportedOperation: pause("does not do that"),
  OverLimit: retry("asks for fewer requests", { asksForFewer: true }),
}, { 413: TOO_LARGE });

/** As codes are called beside the JSON protocol. */
const PREFIX = /^AWS\.SimpleQueueService\./;

const NO_MORE = { retryAfterSeconds: undefined, aheadSeconds: undefined };

/** A refusal, as far as a verdict needs it. */
type Refused = Pick<AwsRefusal, "code" | "status">;

const DENIED = verdictOn("AccessDenied");

/** What is wrong with one queue; others may be well. */
const OF_QUEUE: ReadonlySet<Verdict> = new Set(
  [
    "AccessDenied",
    "QueueDoesNotExist",
    "InvalidAddress",
    "UnsupportedOperation",
    "KmsDisabled",
    "KMS.Disabled",
  ]
    .map(verdictOn),
);

/** A code that is not listed, or none: it may be for what was sent. */
const UNKNOWN = verdictOn(undefined);

function verdictOn(code: string | undefined): Verdict {
  return find({ code, status: 400 });
}

function find({ code, status }: Refused): Verdict {
  return SQS_VERDICTS.find({ ...NO_MORE, code: code?.replace(PREFIX, ""), status });
}

/** Whether it may be what was sent that SQS refuses, so that other messages would be taken. */
export function isOfMessages(refusal: Refused): boolean {
  const verdict = find(refusal);
  return verdict.kind === "reject" || verdict === UNKNOWN;
}

/** Whether the credentials lack the right to it. */
export function isDenied(refusal: Refused): boolean {
  return find(refusal) === DENIED;
}

/** Whether there is no such queue. */
export function isMissing(refusal: Refused): boolean {
  return find(refusal) === MISSING;
}

/**
 * The error of the deliveries that met a refusal.
 *
 * @param server begins the sentence
 * @param queue ends it, such as `queue 'orders'`
 * @param right that is needed, such as `SendMessage`
 */
export function judge(refusal: AwsRefusal, server: string, queue: string, right: string): DeliveryError {
  const verdict = find(refusal);
  const what = verdict === DENIED ? `sqs:${right} at ${queue}` : queue;
  const named = { ...refusal, code: refusal.code?.replace(PREFIX, "") };
  return SQS_VERDICTS.judge(named, server, what, { isPartial: OF_QUEUE.has(verdict) });
}

/**
 * The error of one message that SQS has not taken, though it has taken its batch.
 *
 * @param isOfSender whether SQS says that the message is to blame: it need not be tried again then
 */
export function judgeMessage(
  code: string,
  isOfSender: boolean,
  server: string,
  queue: string,
): DeliveryError {
  const refusal = {
    code,
    status: isOfSender ? 400 : 500,
    retryAfterSeconds: undefined,
    aheadSeconds: undefined,
  };
  if (!isOfSender || find(refusal) !== UNKNOWN) return judge(refusal, server, queue, SEND_RIGHT);
  return verdictError(NOT_THIS, `${server} ${NOT_THIS.text}: ${queue} (${code})`);
}
