import { getLogger } from "@logtape/logtape";
import { DeliveryError } from "../../src/errors.ts";
import type { DeliveryResult, Output, OutputModule, WebhookTraits } from "../../src/modules/module.ts";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";

/** A module's output, opened and driven as the gateway does it. */
export class OpenOutput implements AsyncDisposable {
  readonly #module: OutputModule;
  readonly #output: Output;

  private constructor(module: OutputModule, output: Output) {
    this.#module = module;
    this.#output = output;
  }

  /** @param connection as in the connections file, without `type`; `undefined` where the module needs none */
  static async open<Config, Connection>(
    module: OutputModule<Config, Connection>,
    connection: unknown,
  ): Promise<OpenOutput> {
    const context = {
      name: "under_test",
      logger: getLogger(["cwm", "test"]),
      lines: { write: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() },
    };
    const settings = module.connectionSchema?.parse(connection) as Connection;
    // Configurations come from the module's own schema below, so no other module's can get in.
    return new OpenOutput(module as OutputModule, await module.open(settings, context) as Output);
  }

  /** Delivers events of one webhook in one batch. */
  async deliver(
    events: readonly VerifiedEvent[],
    config: unknown,
    { signal = new AbortController().signal, dataType = "json" }: DeliverOptions = {},
  ): Promise<readonly DeliveryResult[]> {
    const parsed = this.#module.configSchema.parse(config);
    const compiled = this.#module.forWebhook?.(parsed, { dataType }) ?? parsed;
    const batch = events.map((event) => ({ event, config: compiled }));
    try {
      return await this.#output.deliver(batch, { number: 1, signal });
    } catch (error) {
      if (error instanceof DeliveryError) return events.map(() => error);
      throw error;
    }
  }

  /** Delivers an event and returns the code of the failure, or `delivered`. */
  async attempt(event: VerifiedEvent, config: unknown, options?: DeliverOptions): Promise<string> {
    const [result] = await this.deliver([event], config, options);
    return result instanceof DeliveryError ? result.code : String(result);
  }

  async probe(): Promise<void> {
    await this.#output.probe(new AbortController().signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#output[Symbol.asyncDispose]();
  }
}

export interface DeliverOptions extends Partial<WebhookTraits> {
  readonly signal?: AbortSignal;
}
