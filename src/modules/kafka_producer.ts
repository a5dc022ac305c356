/**
 * What the `kafka` module needs of a Kafka client library. Everything that depends on which library it is
 * stands behind this interface.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { DeliveryError } from "../errors.ts";
import type { DeliveryResult } from "./module.ts";

/** One event on its way to a topic. */
export interface KafkaRecord {
  readonly topic: string;
  /** Where to, whatever the key. `undefined`: the partition that the key decides, or any when there is none. */
  readonly partition: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string | Buffer>>;
}

/** What became of records that were sent together. */
export interface SendOutcome {
  /** One result a record, in order. */
  readonly results: readonly DeliveryResult[];
  /** Why there is no point in sending more right now: the cluster as a whole did not answer. */
  readonly unreachable?: DeliveryError;
}

/**
 * Sends records and tells for each of them what became of it. A record that fails with an error that can be
 * tried again is not followed by a later one of the same topic and partition: those fail as well.
 */
export interface RecordProducer extends AsyncDisposable {
  /** Sends records; never throws. The next call must wait for the end of this one. */
  send(records: readonly KafkaRecord[]): Promise<SendOutcome>;
  /**
   * Resolves when a broker answers.
   *
   * @throws {DeliveryError} with the reason when none does before the signal aborts
   */
  probe(signal: AbortSignal): Promise<void>;
}
