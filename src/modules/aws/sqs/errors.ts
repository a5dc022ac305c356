/**
 * What the errors of SQS mean for the events that met them.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
 * @module
 */

import { pause, reject, retry } from "../../verdicts.ts";
import { BatchVerdicts } from "../batch_verdicts.ts";
import type { AwsRefusal } from "../refusal.ts";

/** What SQS says of characters that it does not take. */
export const INVALID_CONTENTS = "InvalidMessageContents";

const MISSING = pause("does not have it");
const NOT_THIS = reject("does not take the message");

/** Beside those of all services. */
export const SQS_VERDICTS = new BatchVerdicts({
  "QueueDoesNotExist NonExistentQueue QueueDeletedRecently": MISSING,
  [INVALID_CONTENTS]: reject("does not take characters of the message"),
  "InvalidParameterValue InvalidAttributeValue InvalidParameterCombination MissingParameter": NOT_THIS,
  "InvalidMessageAttributes ValidationError ValidationException SerializationException": NOT_THIS,
  "BatchRequestTooLong MessageTooLong": reject("takes no message of this size"),
  InvalidAddress: pause("knows no such queue_url"),
  UnsupportedOperation: pause("does not do that"),
  OverLimit: retry("asks for fewer requests", { asksForFewer: true }),
}, ["QueueDoesNotExist", "InvalidAddress", "UnsupportedOperation"]);

/** Whether there is no such queue. */
export function isMissing(refusal: AwsRefusal): boolean {
  return SQS_VERDICTS.find(refusal) === MISSING;
}
