/**
 * What the errors of Kafka mean for an event.
 *
 * @see https://kafka.apache.org/protocol.html#protocol_error_codes
 * @module
 */

import kafkajs from "kafkajs";
import { DeliveryError, type DeliveryErrorCode } from "../errors.ts";

// Its classes of errors are not among the names that a CommonJS module can be seen to export.
const {
  KafkaJSConnectionError,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
} = kafkajs;

/**
 * How far an error reaches.
 *
 * - `batch`: the records that were written to one partition together, of which one may be the only culprit.
 * - `partition`, `topic`: one of them; others may be well.
 * - `cluster`: whatever else would be sent now.
 */
export type Reach = "batch" | "partition" | "topic" | "cluster";

/** An error code of the Kafka protocol, and what follows from it. */
interface Verdict {
  readonly name: string;
  readonly code: DeliveryErrorCode;
  readonly reach: Reach;
  /** What the client knows of topics and brokers is out of date. @default false */
  readonly isStale?: boolean;
}

function rejected(name: string): Verdict {
  return { name, code: "output_rejected", reach: "batch" };
}

function moved(name: string): Verdict {
  return { name, code: "output_failed", reach: "partition", isStale: true };
}

/**
 * The codes that a producer meets. Only what concerns the cluster as a whole makes the output unavailable. A topic that is missing or closed to the gateway is tried again: it is a
 * mistake of its operator's, not of the event, and heals when the topic is made or opened. A record that the
 * brokers will never take as it is goes to the dead letters.
 */
const VERDICTS: ReadonlyMap<number, Verdict> = new Map<number, Verdict>([
  [2, { name: "CORRUPT_MESSAGE", code: "output_failed", reach: "partition" }],
  [3, { name: "UNKNOWN_TOPIC_OR_PARTITION", code: "output_failed", reach: "topic", isStale: true }],
  [5, { name: "LEADER_NOT_AVAILABLE", code: "output_failed", reach: "topic", isStale: true }],
  [6, moved("NOT_LEADER_OR_FOLLOWER")],
  [7, { name: "REQUEST_TIMED_OUT", code: "output_failed", reach: "partition" }],
  [8, moved("BROKER_NOT_AVAILABLE")],
  [9, moved("REPLICA_NOT_AVAILABLE")],
  [10, rejected("MESSAGE_TOO_LARGE")],
  [13, moved("NETWORK_EXCEPTION")],
  [17, { name: "INVALID_TOPIC_EXCEPTION", code: "output_rejected", reach: "topic" }],
  [18, rejected("RECORD_LIST_TOO_LARGE")],
  [19, { name: "NOT_ENOUGH_REPLICAS", code: "output_failed", reach: "partition" }],
  [20, { name: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", code: "output_failed", reach: "partition" }],
  [29, { name: "TOPIC_AUTHORIZATION_FAILED", code: "output_failed", reach: "topic" }],
  [31, { name: "CLUSTER_AUTHORIZATION_FAILED", code: "output_failed", reach: "cluster" }],
  [32, rejected("INVALID_TIMESTAMP")],
  [33, { name: "UNSUPPORTED_SASL_MECHANISM", code: "output_unavailable", reach: "cluster" }],
  [43, rejected("UNSUPPORTED_FOR_MESSAGE_FORMAT")],
  [56, moved("KAFKA_STORAGE_ERROR")],
  [58, { name: "SASL_AUTHENTICATION_FAILED", code: "output_unavailable", reach: "cluster" }],
  [74, moved("FENCED_LEADER_EPOCH")],
  [75, moved("UNKNOWN_LEADER_EPOCH")],
  [87, rejected("INVALID_RECORD")],
]);

const LEADER_NOT_AVAILABLE = 5;

/** An error, and how far it reaches. */
export interface Judgement {
  readonly error: DeliveryError;
  readonly reach: Reach;
  readonly isStale: boolean;
}

/** Judges the error code that a broker answered for a record. */
export function judgeAnswer(code: number, topic: string): Judgement {
  const verdict = VERDICTS.get(code);
  const error = new DeliveryError(
    verdict?.code ?? "output_failed",
    `Kafka refused an event for topic ${topic}: ${verdict?.name ?? "error"} (${code})`,
  );
  return { error, reach: verdict?.reach ?? "partition", isStale: verdict?.isStale ?? false };
}

/** Judges that a partition of a topic has no leader to send to. */
export function judgeMissing(topic: string, partition: number, count: number): Judgement {
  if (partition < count) return judgeAnswer(LEADER_NOT_AVAILABLE, topic);
  const message = `Topic ${topic} has ${count} partitions, and there is no ${partition}`;
  return { error: new DeliveryError("output_failed", message), reach: "partition", isStale: true };
}

/** Judges what the client threw instead of an answer. */
export function judgeFailure(thrown: unknown): Judgement {
  const cause = rootCause(thrown);
  const options = { cause };
  if (thrown instanceof DeliveryError) return { error: thrown, reach: "cluster", isStale: true };
  if (cause instanceof KafkaJSProtocolError) {
    const verdict = VERDICTS.get(cause.code);
    const message = `Kafka refused a request: ${cause.type} (${cause.code})`;
    const error = new DeliveryError(verdict?.code ?? "output_failed", message, options);
    return { error, reach: verdict?.reach === "topic" ? "topic" : "cluster", isStale: true };
  }
  return { error: describeFailure(cause, options), reach: "cluster", isStale: true };
}

function describeFailure(cause: unknown, options: { readonly cause: unknown }): DeliveryError {
  if (cause instanceof KafkaJSRequestTimeoutError) {
    return new DeliveryError(
      "output_timeout",
      `Kafka broker ${cause.broker} did not answer in time`,
      options,
    );
  }
  if (cause instanceof KafkaJSSASLAuthenticationError) {
    return new DeliveryError("output_unavailable", "Kafka refused the user name or password", options);
  }
  if (cause instanceof KafkaJSConnectionError) {
    const { broker, code } = cause as typeof cause & { readonly code?: string };
    const detail = code === undefined ? "" : `: ${code}`;
    return new DeliveryError(
      "output_unavailable",
      `Kafka broker ${broker} cannot be reached${detail}`,
      options,
    );
  }
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new DeliveryError("output_unavailable", `Kafka cannot be reached: ${detail}`, options);
}

/** kafkajs wraps an error each time it gives up trying. */
function rootCause(thrown: unknown): unknown {
  let error = thrown;
  while (error instanceof Error && error.cause instanceof Error) error = error.cause;
  return error;
}
