/**
 * Records on their way to one place. One counts when the answer has an id for it at its place; what is not said to be
 * stored is tried again.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import { halves } from "../../halves.ts";
import type { DeliveryResult } from "../../module.ts";
import type { BatchPlace } from "../batch_verdicts.ts";
import { type JsonAnswer, type JsonService, objectsIn } from "../json_service.ts";
import type { RecordConfig, RecordService, Rendered } from "./service.ts";

/** A record, and which event of the batch it is. */
export interface NumberedRecord extends Rendered {
  readonly index: number;
}

/** Sends records of one configuration. */
export class RecordSending<Config extends RecordConfig> {
  readonly #kind: RecordService<Config>;
  readonly #service: JsonService;
  readonly #config: Config;
  readonly #place: BatchPlace;

  constructor(kind: RecordService<Config>, service: JsonService, config: Config) {
    this.#kind = kind;
    this.#service = service;
    this.#config = config;
    this.#place = { server: service.name, title: config.place, right: kind.right };
  }

  /**
   * Sends records, each in a batch that the service takes.
   *
   * @param settle gets the result of each, by its index
   * @throws {DeliveryError} for all that are not settled by then
   */
  async send(
    records: readonly NumberedRecord[],
    settle: (index: number, result: DeliveryResult) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { maxBatch, maxBatchBytes } = this.#kind;
    let batch: NumberedRecord[] = [];
    let bytes = 0;
    for (const record of records.filter((record) => this.#fits(record, settle))) {
      if (batch.length === maxBatch || batch.length > 0 && bytes + record.bytes > maxBatchBytes) {
        await this.#sendBatch(batch, settle, signal);
        [batch, bytes] = [[], 0];
      }
      batch.push(record);
      bytes += record.bytes;
    }
    if (batch.length > 0) await this.#sendBatch(batch, settle, signal);
  }

  /** @throws {DeliveryError} with the reason why the place is not there, as far as that may be asked */
  async probe(signal: AbortSignal): Promise<void> {
    const { probe, service: { verdicts } } = this.#kind;
    const { action, document } = probe(this.#config);
    const { refusal } = await this.#service.call(action, document, signal);
    if (refusal === undefined || verdicts.isDenied(refusal)) return;
    throw verdicts.judgeBatch(refusal, this.#place);
  }

  #fits({ index, bytes }: NumberedRecord, settle: (index: number, result: DeliveryResult) => void): boolean {
    const { maxRecordBytes } = this.#kind;
    if (bytes <= maxRecordBytes) return true;
    const message = `The event takes ${bytes} bytes, and ${this.#place.title} at most ${maxRecordBytes}`;
    settle(index, new DeliveryError("output_rejected", message));
    return false;
  }

  /** A batch that is refused for what is in it is sent in parts, until what is to blame stands alone. */
  async #sendBatch(
    batch: readonly NumberedRecord[],
    settle: (index: number, result: DeliveryResult) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { action, request, service: { verdicts } } = this.#kind;
    const document = request(batch.map(({ json }) => json).join(","), this.#config);
    const { answer, refusal } = await this.#service.call(action, document, signal);
    if (refusal === undefined) {
      const results = objectsIn(answer, this.#kind.results.list);
      for (const [place, { index }] of batch.entries()) settle(index, this.#resultOf(results[place]));
      return;
    }
    const error = verdicts.judgeBatch(refusal, this.#place);
    if (!verdicts.isOfContents(refusal)) throw error;
    if (batch.length === 1) settle(batch[0]!.index, error);
    else for (const half of halves(batch)) await this.#sendBatch(half, settle, signal);
  }

  #resultOf(result: JsonAnswer | undefined): DeliveryResult {
    const { results: { id }, service: { verdicts } } = this.#kind;
    const code = result?.["ErrorCode"];
    if (typeof code === "string") return verdicts.judgeOne(code, false, this.#place);
    if (typeof result?.[id] === "string") return "delivered";
    const { server, title } = this.#place;
    return new DeliveryError("output_failed", `${server} does not say whether it has the event: ${title}`);
  }
}
