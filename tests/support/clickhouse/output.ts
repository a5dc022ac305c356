import { getLogger } from "@logtape/logtape";
import { assertInstanceOf } from "@std/assert";
import { DeliveryError } from "../../../src/errors.ts";
import { clickhouseModule } from "../../../src/modules/clickhouse/clickhouse.ts";
import type { DeliveryResult, Output } from "../../../src/modules/module.ts";
import type { VerifiedEvent } from "../../../src/event/verified_event.ts";
import type { PassedRequest } from "../http/recorder.ts";
import { verifiedEvent } from "../verified_event.ts";

/** An open `clickhouse` output that tests deliver through. */
export class ClickhouseOutput implements AsyncDisposable {
  readonly #output: Output;

  private constructor(output: Output) {
    this.#output = output;
  }

  /** @param connection as in the connections file, without `type` */
  static async open(connection: Readonly<Record<string, unknown>>): Promise<ClickhouseOutput> {
    const { connectionSchema } = clickhouseModule;
    const host = connection["url"] === undefined ? { host: "127.0.0.1" } : {};
    const parsed = connectionSchema?.parse({ ...host, ...connection });
    const output = await clickhouseModule.open(parsed as never, {
      name: "under_test",
      logger: getLogger(["cwm", "test"]),
      lines: {
        write: () => Promise.reject(new Error("This module does not print")),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
    });
    return new ClickhouseOutput(output as Output);
  }

  /** Delivers in one call. */
  async deliverAll(
    events: readonly VerifiedEvent[],
    config: unknown,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<readonly DeliveryResult[]> {
    const compiled = clickhouseModule.configSchema.parse(config);
    const batch = events.map((event) => ({ event, config: compiled }));
    return await this.#output.deliver(batch, { number: 1, signal });
  }

  /** Delivers in calls of their own, all at once, as the gateway does while senders wait. */
  async deliverEach(
    events: readonly VerifiedEvent[],
    config: unknown,
    signal?: AbortSignal,
  ): Promise<readonly DeliveryResult[]> {
    return (await Promise.all(events.map((event) => this.deliverAll([event], config, signal)))).flat();
  }

  probe(signal: AbortSignal = new AbortController().signal): Promise<void> {
    return this.#output.probe(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#output[Symbol.asyncDispose]();
  }
}

/** Events with bodies of their own. */
export function numberedEvents(count: number): VerifiedEvent[] {
  return Array.from({ length: count }, (_, index) => verifiedEvent({ body: `{"number":${index}}` }));
}

/** What every event of a batch came to when all were delivered. */
export function allDelivered(events: readonly unknown[]): DeliveryResult[] {
  return events.map(() => "delivered");
}

/** Asserts that a delivery failed with this code, and returns the error. */
export function assertFailed(result: DeliveryResult | undefined, code: DeliveryError["code"]): DeliveryError {
  assertInstanceOf(result, DeliveryError);
  if (result.code !== code) throw new Error(`Expected ${code}, got ${result.code}: ${result.message}`);
  return result;
}

/** Whether a recorded request is an insert. */
export function isInsert({ target }: PassedRequest): boolean {
  return new URLSearchParams(target.slice(target.indexOf("?"))).get("query")?.startsWith("INSERT") ?? false;
}

/** How many rows a recorded insert has. */
export function rowCount({ body }: PassedRequest): number {
  return body.filter((byte) => byte === 0x0a).length;
}
