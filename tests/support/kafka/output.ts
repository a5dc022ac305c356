import { getLogger } from "@logtape/logtape";
import type { VerifiedEvent } from "../../../src/event/verified_event.ts";
import { kafkaModule } from "../../../src/modules/kafka/kafka.ts";
import type { DeliveryResult, ModuleContext, Output } from "../../../src/modules/module.ts";
import { type EventParts, verifiedEvent } from "../verified_event.ts";

/** An event and the `module-config` of its webhook, as a file has it. */
export type ConfiguredEvent = readonly [event: EventParts, config: Readonly<Record<string, unknown>>];

/** The module's output of one connection, driven as the host drives it. */
export class KafkaOutputDriver implements AsyncDisposable {
  private constructor(readonly output: Output) {}

  /** @param connection as in the connections file, without `type` */
  static async open(
    connection: Readonly<Record<string, unknown>>,
    context: Partial<ModuleContext> = {},
  ): Promise<KafkaOutputDriver> {
    const output = await kafkaModule.open(kafkaModule.connectionSchema!.parse(connection), {
      name: "kafka_main",
      logger: getLogger(["cwm", "test"]),
      lines: { write: () => Promise.reject(new Error("Nothing is printed")), [Symbol.asyncDispose]: noop },
      ...context,
    });
    return new KafkaOutputDriver(output as Output);
  }

  /** Delivers one event. */
  async deliver(
    parts: EventParts,
    config: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<DeliveryResult> {
    const [result] = await this.deliverBatch([[parts, config]], signal);
    return result!;
  }

  /** Delivers several events in one call. */
  async deliverBatch(
    events: readonly ConfiguredEvent[],
    signal: AbortSignal = new AbortController().signal,
  ): Promise<readonly DeliveryResult[]> {
    return await this.output.deliver(
      events.map(([parts, config]) => ({
        event: verifiedEvent(parts),
        config: kafkaModule.configSchema.parse(config),
      })),
      { number: 1, signal },
    );
  }

  /** Delivers events of one webhook in one call. */
  async deliverEvents(
    events: readonly VerifiedEvent[],
    config: Readonly<Record<string, unknown>>,
  ): Promise<readonly DeliveryResult[]> {
    const compiled = kafkaModule.configSchema.parse(config);
    const { signal } = new AbortController();
    return await this.output.deliver(events.map((event) => ({ event, config: compiled })), {
      number: 1,
      signal,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.output[Symbol.asyncDispose]();
  }
}

function noop(): Promise<void> {
  return Promise.resolve();
}

/** The codes of results, `delivered` for success. */
export function codes(results: readonly DeliveryResult[]): string[] {
  return results.map((result) => result === "delivered" ? result : result.code);
}
