/**
 * What the errors of Kafka mean for an event.
 *
 * @see https://kafka.apache.org/protocol.html#protocol_error_codes
 * @module
 */

import { DeliveryError, type DeliveryErrorCode } from "../../errors.ts";
import { pause, reject, retry, type Verdict, verdictError, VerdictTable } from "../verdicts.ts";

/**
 * What follows from an error for the batch that met it.
 *
 * - `fail`: it was not written, and the cause is known.
 * - `unsure`: it was written, or may have been, and may yet come to all replicas.
 * - `moved`: it was not written, since another broker leads the partition, or will soon.
 * - `stored`: it was written by an earlier try.
 * - `split`: the brokers refuse it as it is, of which one record may be the only culprit.
 * - `reject`: the brokers refuse every record of it.
 * - `renumber`: it was not written; its producer is not known any more, or expected to go on elsewhere.
 */
export type Consequence = "fail" | "unsure" | "moved" | "stored" | "split" | "reject" | "renumber";

/** What this module knows of an error besides. */
interface KafkaTraits {
  readonly then: Consequence;
  /** What an operator has to know besides the name. */
  readonly advice?: () => string;
}

type KafkaVerdict = Verdict & KafkaTraits;

function failed(name: string, then: Consequence = "fail", advice?: string): KafkaVerdict {
  return retry(name, { then, ...(advice === undefined ? {} : { advice: () => advice }) });
}

function refused(name: string, then: Consequence = "split"): KafkaVerdict {
  return reject(name, { then });
}

/** There is no such topic, or the broker has not heard of it yet. */
const UNKNOWN_TOPIC_OR_PARTITION = 3;

/** The user may not write to the topic, or not even see it. */
const TOPIC_AUTHORIZATION_FAILED = 29;

/** A clock that is wrong makes every event wrong: none of them is to blame, and all can go once it is right. */
const INVALID_TIMESTAMP: KafkaVerdict = pause("INVALID_TIMESTAMP", {
  then: "fail",
  advice: () =>
    `the gateway's clock says ${
      new Date().toISOString()
    }. Check it and the brokers' clocks, then the topic's ` +
    "message.timestamp.before.max.ms and message.timestamp.after.max.ms",
});

/**
 * The codes that a producer meets. A topic that is missing or closed to the gateway is tried again: it is a
 * mistake of its operator's, not of the event, and heals when the topic is made or opened. A record that the
 * brokers will never take as it is goes to the dead letters.
 */
const VERDICTS = new VerdictTable<KafkaTraits>({
  2: failed("CORRUPT_MESSAGE"),
  [UNKNOWN_TOPIC_OR_PARTITION]: failed(
    "UNKNOWN_TOPIC_OR_PARTITION",
    "moved",
    "make it, since the gateway makes none",
  ),
  5: failed("LEADER_NOT_AVAILABLE", "moved"),
  6: failed("NOT_LEADER_OR_FOLLOWER", "moved"),
  7: failed("REQUEST_TIMED_OUT", "unsure"),
  8: failed("BROKER_NOT_AVAILABLE", "moved"),
  9: failed("REPLICA_NOT_AVAILABLE", "moved"),
  10: refused("MESSAGE_TOO_LARGE"),
  13: failed("NETWORK_EXCEPTION", "unsure"),
  17: refused("INVALID_TOPIC_EXCEPTION", "reject"),
  18: refused("RECORD_LIST_TOO_LARGE"),
  19: failed("NOT_ENOUGH_REPLICAS"),
  20: failed("NOT_ENOUGH_REPLICAS_AFTER_APPEND", "unsure"),
  [TOPIC_AUTHORIZATION_FAILED]: failed(
    "TOPIC_AUTHORIZATION_FAILED",
    "fail",
    "its user needs the right to write there",
  ),
  31: failed("CLUSTER_AUTHORIZATION_FAILED"),
  32: INVALID_TIMESTAMP,
  43: refused("UNSUPPORTED_FOR_MESSAGE_FORMAT"),
  45: failed("OUT_OF_ORDER_SEQUENCE_NUMBER", "renumber"),
  46: failed("DUPLICATE_SEQUENCE_NUMBER", "stored"),
  47: failed("INVALID_PRODUCER_EPOCH", "renumber"),
  56: failed("KAFKA_STORAGE_ERROR", "moved"),
  59: failed("UNKNOWN_PRODUCER_ID", "renumber"),
  74: failed("FENCED_LEADER_EPOCH", "moved"),
  75: failed("UNKNOWN_LEADER_EPOCH", "moved"),
  87: refused("INVALID_RECORD"),
  90: failed("PRODUCER_FENCED", "renumber"),
}, failed("error"));

const LEADER_NOT_AVAILABLE = 5;
const UNSUPPORTED_SASL_MECHANISM = 33;

/** An error, and what follows from it. */
export interface Judgement {
  readonly error: DeliveryError;
  readonly then: Consequence;
}

/**
 * Judges the error code that a broker answered for a topic or a batch.
 *
 * @param detail what the broker says about it
 */
export function judgeAnswer(code: number, detail: string | null = null): Judgement {
  const verdict = VERDICTS.find(code);
  const { text, then, advice } = verdict;
  const more = [detail, advice?.()].filter((text) => text).map((text) => `: ${text}`).join("");
  const message = `Kafka refused an event: ${text} (${code})${more}`;
  return { error: verdictError(verdict, message, ONE_TOPIC), then };
}

/** Whether a code says that nothing can be written to a topic until its operator does something about it. */
export function keepsTopicClosed(code: number): boolean {
  return code === UNKNOWN_TOPIC_OR_PARTITION || code === TOPIC_AUTHORIZATION_FAILED;
}

/** Other topics of the cluster may be well. */
const ONE_TOPIC = { isPartial: true } as const;

/** Says that a partition of a topic has no leader to send to. @param count how many partitions the topic has */
export function noLeader(partition: number, count: number): DeliveryError {
  if (partition < count) return judgeAnswer(LEADER_NOT_AVAILABLE).error;
  return new DeliveryError("output_failed", `The topic has ${count} partitions, numbered from 0`, ONE_TOPIC);
}

/** Where a record was to go. */
export interface Place {
  readonly topic: string;
  /** Left out as long as it is not chosen. */
  readonly partition?: number | undefined;
}

/** Errors that name the topic and the partition of the records that they are about. */
export class PlacedErrors {
  /** So that thousands of records that fail together share one. */
  readonly #known = new WeakMap<DeliveryError, Map<string, DeliveryError>>();

  /** The same error, which names the place. */
  at({ topic, partition }: Place, error: DeliveryError): DeliveryError {
    const place = partition === undefined ? `Topic ${topic}` : `Topic ${topic}, partition ${partition}`;
    let ofError = this.#known.get(error);
    if (ofError === undefined) this.#known.set(error, ofError = new Map());
    let placed = ofError.get(place);
    if (placed === undefined) ofError.set(place, placed = named(place, error));
    return placed;
  }
}

function named(place: string, error: DeliveryError): DeliveryError {
  const { code, message, isPartial, retryAfterSeconds } = error;
  const options = { cause: error, isPartial, retryAfterSeconds };
  return new DeliveryError(code as DeliveryErrorCode, `${place}: ${message}`, options);
}

/** Anything thrown as an error of a delivery; what is not one is a bug, and fails what it happened to. */
export function asDeliveryError(thrown: unknown): DeliveryError {
  if (thrown instanceof DeliveryError) return thrown;
  return new DeliveryError("output_failed", `The Kafka client failed: ${thrown}`, { cause: thrown });
}

/** The same error, where other brokers may be well. */
export function ofOneBroker(error: DeliveryError): DeliveryError {
  return new DeliveryError(error.code as DeliveryErrorCode, error.message, { cause: error, isPartial: true });
}

/** Says that an event must wait for an earlier one that will be tried again. */
export function heldUp(): DeliveryError {
  return new DeliveryError("output_failed", "An earlier event with the same key was not taken", ONE_TOPIC);
}

/**
 * Says why a broker did not let the gateway in.
 *
 * @param mechanism how it was tried
 */
export function judgeLogin(code: number, mechanism: string): DeliveryError {
  const message = code === UNSUPPORTED_SASL_MECHANISM
    ? `Kafka does not take this way to log in: ${mechanism} (${code})`
    : `Kafka refused the user name or password (${code})`;
  return new DeliveryError("output_unavailable", message);
}
