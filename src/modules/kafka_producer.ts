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

/** Takes the result of one record, by its index. */
export type Report = (index: number, result: DeliveryResult) => void;

/**
 * Sends records and tells for each of them what became of it. A record that fails with an error that can be
 * tried again is not followed by a later one of the same topic and partition: those fail as well.
 */
export interface RecordProducer extends AsyncDisposable {
  /**
   * Sends records. Reports one result each, as soon as it is known; resolves when all are reported. Never
   * throws. The next call must wait for the end of this one.
   *
   * @returns why there is no point in sending more right now, when no broker was there to send to
   */
  send(records: readonly KafkaRecord[], report: Report): Promise<DeliveryError | undefined>;
  /**
   * Resolves when a broker answers.
   *
   * @throws {DeliveryError} with the reason when none does before the signal aborts
   */
  probe(signal: AbortSignal): Promise<void>;
}
