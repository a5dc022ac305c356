/**
 * The output of services that take records in batches.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import type { Attempt, Delivery, DeliveryResult, ModuleContext, Output } from "../../module.ts";
import { AwsClient } from "../client.ts";
import type { AwsConnection } from "../connection.ts";
import { JsonService } from "../json_service.ts";
import { type NumberedRecord, RecordSending } from "./sending.ts";
import type { RecordConfig, RecordService } from "./service.ts";

/** Sends events to places of one service. */
export class RecordOutput<Config extends RecordConfig> implements Output<Config> {
  readonly #kind: RecordService<Config>;
  readonly #service: JsonService;
  #last: Config | undefined;

  constructor(kind: RecordService<Config>, connection: AwsConnection, context: ModuleContext) {
    this.#kind = kind;
    this.#service = new JsonService(AwsClient.open(kind.service, connection, context), kind.dialect);
  }

  async deliver(batch: readonly Delivery<Config>[], attempt: Attempt): Promise<readonly DeliveryResult[]> {
    const results: (DeliveryResult | undefined)[] = new Array(batch.length).fill(undefined);
    const settle = (index: number, result: DeliveryResult) => {
      results[index] = result;
      attempt.settle?.(index, result);
    };
    const places = Map.groupBy(batch.entries(), ([, { config }]) => config.place);
    for (const deliveries of places.values()) {
      await this.#send(deliveries, settle, attempt.signal).catch((error: unknown) => {
        if (!(error instanceof DeliveryError)) throw error;
        for (const [index] of deliveries) if (results[index] === undefined) settle(index, error);
      });
    }
    return results.map((result) => result ?? new DeliveryError("output_timeout"));
  }

  async probe(signal: AbortSignal): Promise<void> {
    if (this.#last !== undefined) return await this.probeFor(this.#last, signal);
    const { anyQuestion: { action, document }, service: { verdicts } } = this.#kind;
    const { refusal } = await this.#service.call(action, document, signal);
    if (refusal === undefined || verdicts.isDenied(refusal)) return;
    throw verdicts.judge(refusal, this.#service.name, action);
  }

  async probeFor(config: Config, signal: AbortSignal): Promise<void> {
    await new RecordSending(this.#kind, this.#service, config).probe(signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#service[Symbol.dispose]();
    return Promise.resolve();
  }

  async #send(
    deliveries: readonly (readonly [index: number, delivery: Delivery<Config>])[],
    settle: (index: number, result: DeliveryResult) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const config = this.#last = deliveries[0]![1].config;
    const records: NumberedRecord[] = [];
    for (const [index, delivery] of deliveries) {
      try {
        records.push({ index, ...this.#kind.render(delivery.event, delivery.config) });
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error;
        settle(index, error);
      }
    }
    await new RecordSending(this.#kind, this.#service, config).send(records, settle, signal);
  }
}
