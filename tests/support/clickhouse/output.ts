import { assertInstanceOf } from "@std/assert";
import { buildOutputs } from "../../../src/delivery/outputs/build.ts";
import type { OutputLease, OutputPool, PooledConnection } from "../../../src/delivery/outputs/output_pool.ts";
import { NO_RETRY } from "../../../src/delivery/retry_policy.ts";
import { DeliveryError } from "../../../src/errors.ts";
import type { VerifiedEvent } from "../../../src/event/verified_event.ts";
import { clickhouseModule } from "../../../src/modules/clickhouse/clickhouse.ts";
import type { DeliveryResult, OutputModule } from "../../../src/modules/module.ts";
import { logger } from "../../../src/observability/logging.ts";
import { Metrics } from "../../../src/observability/metrics.ts";
import { Deadlines } from "../../../src/time/deadlines.ts";
import type { PassedRequest } from "../http/recorder.ts";
import { verifiedEvent } from "../verified_event.ts";

const LINES = {
  write: () => Promise.reject(new Error("This module does not print")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** The outputs of one connection to ClickHouse, driven by the gateway's own host for senders that wait. */
export class ClickhouseOutput implements AsyncDisposable {
  readonly #connection: PooledConnection;
  readonly #deadlines = new Deadlines();
  readonly #pool: OutputPool;
  /** Held to the end, so that none is closed in between. */
  readonly #leases: OutputLease[] = [];

  private constructor(config: unknown) {
    this.#connection = { name: "under_test", config, fingerprint: "" };
    this.#pool = buildOutputs({
      deadlines: this.#deadlines,
      metrics: new Metrics(),
      context: { lines: LINES },
      deliveryBudgetMs: Infinity,
    });
  }

  /** @param connection as in the connections file, without `type` */
  static open(connection: Readonly<Record<string, unknown>>): Promise<ClickhouseOutput> {
    const host = connection["url"] === undefined ? { host: "127.0.0.1" } : {};
    const parsed = clickhouseModule.connectionSchema?.parse({ ...host, ...connection });
    return Promise.resolve(new ClickhouseOutput(parsed));
  }

  /** Delivers events that come together, each with one attempt. */
  async deliverAll(events: readonly VerifiedEvent[], config: unknown): Promise<readonly DeliveryResult[]> {
    const compiled = clickhouseModule.configSchema.parse(config);
    const lease = this.#pool.acquire(clickhouseModule as OutputModule, this.#connection, compiled);
    this.#leases.push(lease);
    return await Promise.all(events.map((event) => lease.deliver(event, compiled, NO_RETRY)));
  }

  async probe(signal: AbortSignal = new AbortController().signal): Promise<void> {
    const context = { name: "under_test", logger: logger("output"), lines: LINES };
    await using output = await clickhouseModule.open(this.#connection.config as never, context);
    await output.probe(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
    this.#deadlines[Symbol.dispose]();
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
