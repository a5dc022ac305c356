/**
 * An output that is opened when it is first needed, and what all calls of it have in common.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import type { Attempt, Delivery, ModuleContext, Output, OutputModule } from "../../modules/module.ts";
import type { Tracing } from "../../observability/tracing.ts";
import type { Results } from "./attempt.ts";

/** The code of the first failure. */
function failureIn(results: Results): string | undefined {
  return results.find((result) => result instanceof DeliveryError)?.code;
}

/** What is open of a module and a connection; nothing, at first. */
export class LazyOutput implements AsyncDisposable {
  readonly #module: OutputModule;
  readonly #connection: unknown;
  readonly #context: ModuleContext;
  readonly #tracing: Tracing | undefined;
  #opened: Output | undefined;
  #opening: Promise<Output> | undefined;

  /** @param tracing `undefined` while no traces are recorded */
  constructor(
    module: OutputModule,
    connection: unknown,
    context: ModuleContext,
    tracing: Tracing | undefined,
  ) {
    this.#module = module;
    this.#connection = connection;
    this.#context = tracing === undefined ? context : { ...context, traces: tracing.requests };
    this.#tracing = tracing;
  }

  /** The output; `undefined` until it is open. */
  get opened(): Output | undefined {
    return this.#opened;
  }

  /** Opens the output, once. After a failure the next call tries again. */
  open(): Promise<Output> {
    if (this.#opened !== undefined) return Promise.resolve(this.#opened);
    const opening = () => this.#module.open(this.#connection, this.#context);
    return this.#opening ??= this.#outsideOfTraces(opening).then(
      (output) => this.#opened = output,
      (error) => {
        this.#opening = undefined;
        throw error;
      },
    );
  }

  /** Asks the system behind the output whether it would take events. @throws what the output throws */
  async probe(signal: AbortSignal): Promise<void> {
    const output = await this.open();
    await this.#outsideOfTraces(() => output.probe(signal));
  }

  /** Hands a batch to the output that was opened. Does not throw; the promise rejects with what the output throws. */
  hand(output: Output, batch: readonly Delivery[], attempt: Attempt): Results | Promise<Results> {
    if (this.#tracing === undefined) return this.#handNow(output, batch, attempt);
    const { name, maxBatch = 1, gathers } = this.#module;
    const call = { output: name, attempt: attempt.number, events: batch.map(({ event }) => event) };
    // What is sent for events of several requests belongs to the trace of none.
    const isNested = maxBatch === 1 && gathers === undefined;
    const work = () => this.#handNow(output, batch, attempt);
    return this.#tracing.deliver(call, isNested, work, failureIn);
  }

  #handNow(output: Output, batch: readonly Delivery[], attempt: Attempt): Results | Promise<Results> {
    try {
      return output.deliver(batch, attempt);
    } catch (error) {
      return [this.toDeliveryError(error)];
    }
  }

  /** What an output threw, as a result. One that is no DeliveryError is a bug of the module, and is logged. */
  toDeliveryError(error: unknown): DeliveryError {
    if (error instanceof DeliveryError) return error;
    const { name, logger } = this.#context;
    logger.error("Output {output} threw something that is not a DeliveryError", { output: name, error });
    return new DeliveryError("output_failed", undefined, { cause: error });
  }

  /** Closes what is open, or will be. */
  async [Symbol.asyncDispose](): Promise<void> {
    const output = this.#opened ?? await this.#opening?.catch(() => undefined);
    await output?.[Symbol.asyncDispose]();
  }

  /** What an output begins for itself belongs to no request, whichever was the first to need it. */
  #outsideOfTraces<T>(work: () => T): T {
    return this.#tracing === undefined ? work() : this.#tracing.within(undefined, work);
  }
}
