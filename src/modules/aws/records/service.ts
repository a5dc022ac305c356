/**
 * Services that take records in batches and answer for each, by its place in the batch.
 *
 * @module
 */

import type { Event } from "../../../event/event.ts";
import type { AwsService } from "../client.ts";
import type { BatchVerdicts } from "../batch_verdicts.ts";
import type { JsonDialect } from "../json_service.ts";

/** What the configurations of all such services say. */
export interface RecordConfig {
  /** How messages name the place of records, such as `stream 'orders'`. Events with the same text go to one place. */
  readonly place: string;
  readonly timeoutMs: number;
}

/** One event as the service takes it. */
export interface Rendered {
  /** A JSON object. */
  readonly json: string;
  /** How much the service counts for it, in bytes. */
  readonly bytes: number;
}

/** A question to a service. */
export interface Question {
  readonly action: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** One kind of service. */
export interface RecordService<Config extends RecordConfig> {
  readonly service: AwsService & { readonly verdicts: BatchVerdicts };
  readonly dialect: JsonDialect;
  /** What sends records, for example `PutRecords`. */
  readonly action: string;
  /** The right to it, for example `kinesis:PutRecords`. */
  readonly right: string;
  /** The list of an answer that has a result for each record, and what a result has that was stored. */
  readonly results: { readonly list: string; readonly id: string };
  readonly maxRecordBytes: number;
  readonly maxBatchBytes: number;
  readonly maxBatch: number;
  /** @throws {DeliveryError} `output_rejected` for an event that cannot be one */
  render(event: Event, config: Config): Rendered;
  /** The request for records. @param list texts of JSON objects, with commas between them */
  request(list: string, config: Config): string;
  /** Shows whether the place is there, where the right to ask is. */
  probe(config: Config): Question;
  /** Shows whether the service answers at all. */
  readonly anyQuestion: Question;
}
