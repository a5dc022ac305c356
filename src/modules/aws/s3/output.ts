/**
 * The output of `s3`.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import type { Attempt, Delivery, DeliveryResult, ModuleContext, Output } from "../../module.ts";
import { BatchWriter } from "./batch/writer.ts";
import type { S3Config } from "./config.ts";
import type { S3Connection } from "./connection.ts";
import { objectOf } from "./object.ts";
import { ObjectStore } from "./store.ts";

/** Stores events as objects. */
export class S3Output implements Output<S3Config> {
  readonly #store: ObjectStore;
  readonly #batches: BatchWriter;
  /** That of the last delivery: what is out of reach is asked with it. */
  #lastConfig: S3Config | undefined;

  constructor(connection: S3Connection, context: Pick<ModuleContext, "traces">) {
    this.#store = new ObjectStore(connection, context);
    this.#batches = new BatchWriter(this.#store);
  }

  async deliver(
    deliveries: readonly Delivery<S3Config>[],
    { signal }: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    this.#lastConfig = deliveries[0]?.config ?? this.#lastConfig;
    if (deliveries.every(({ config }) => config.batch !== undefined)) {
      return await this.#batches.write(deliveries, signal);
    }
    return await Promise.all(deliveries.map((delivery) => this.#deliverOne(delivery, signal)));
  }

  async probe(signal: AbortSignal): Promise<void> {
    if (this.#lastConfig === undefined) await this.#store.probeService(signal);
    else await this.#store.probe(this.#lastConfig, signal);
  }

  async probeFor(config: S3Config, signal: AbortSignal): Promise<void> {
    await this.#store.probe(config, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#store[Symbol.dispose]();
    return Promise.resolve();
  }

  async #deliverOne(delivery: Delivery<S3Config>, signal: AbortSignal): Promise<DeliveryResult> {
    const { event, config } = delivery;
    if (config.batch !== undefined) return (await this.#batches.write([delivery], signal))[0]!;
    try {
      const { result } = await this.#store.put(await objectOf(event, config), signal);
      if (result === "delivered" && !config.compresses) event.body.doneReading();
      return result;
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }
}
