/**
 * Notes every accepted event in a table of ClickHouse, beside whatever its webhook does with it: what the Python service
 * did where it had a connection of that type. Nobody waits for it, and what it cannot note is counted.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { logger } from "../observability/logging.ts";
import type { CompiledConnection } from "../config/compiled_connection.ts";
import type { OutputLease, OutputPool } from "../delivery/outputs/output_pool.ts";
import { EventBody } from "../event/event.ts";
import { type VerifiedEvent, withBody } from "../event/verified_event.ts";
import { clickhouseModule } from "../modules/clickhouse/clickhouse.ts";
import type { Counter, Metrics } from "../observability/metrics.ts";
import { ReportLimiter } from "../observability/report_limiter.ts";

/** How often what waits is written, in milliseconds. */
const WRITE_MS = 2_000;

/** Events that are written at once, as the Python service did. */
const MAX_BATCH = 1_000;

/** Most events that wait, and bytes or characters of their bodies. What comes beyond it is dropped. */
const MAX_EVENTS = 10_000;
const MAX_LENGTH = 64 * 1024 * 1024;

/** How long one event may take to be written, retries included, in milliseconds. */
const MOST_MS = 10_000;

/** How often the log says that events could not be noted, in milliseconds. */
const REPORT_MS = 60_000;

/** Where events are noted. */
export interface EventLogPlace {
  /** The name of a connection of type `clickhouse`. */
  readonly connection: string;
  readonly table: string;
  /** Whether a table that is not there is made. */
  readonly createsTable: boolean;
}

/** What it needs of a gateway. */
export interface EventLogOptions extends EventLogPlace {
  readonly connections: () => Iterable<CompiledConnection>;
  readonly outputs: Pick<OutputPool, "acquire">;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Opens the event log of a gateway, whose connections are asked for when something is written. */
export function openEventLog(
  place: EventLogPlace,
  gateway: {
    readonly manager: { connections(): Iterable<CompiledConnection> };
    readonly outputs: Pick<OutputPool, "acquire">;
    readonly metrics: Metrics;
  },
): EventLog {
  const { outputs, metrics } = gateway;
  const connections = () => gateway.manager.connections();
  return new EventLog({ ...place, connections, outputs, metrics, logger: logger("event_log") });
}

/** The hold on the output, with what it was taken for. */
interface Held {
  readonly fingerprint: string;
  readonly lease: OutputLease;
}

/** Notes accepted events. Disposal writes what waits, as far as that is possible within some seconds. */
export class EventLog implements AsyncDisposable {
  readonly #options: EventLogOptions;
  readonly #config: unknown;
  readonly #reports = new ReportLimiter(REPORT_MS);
  readonly #written: Counter;
  readonly #dropped: Counter;
  #waiting: VerifiedEvent[] = [];
  #length = 0;
  #held: Held | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: EventLogOptions) {
    this.#options = options;
    const { table, createsTable: create_table } = options;
    this.#config = clickhouseModule.configSchema.parse({ table, create_table });
    const events = options.metrics.counter(
      "cwm_event_log_events_total",
      "Accepted events, by whether they were `written` to the table of `EVENT_LOG_CONNECTION` or `dropped`; there with that setting alone.",
      ["outcome"],
    );
    this.#written = events.with("written");
    this.#dropped = events.with("dropped");
  }

  /**
   * Keeps what is to be noted of an event that is about to be accepted: its own memory may be given back with that.
   *
   * @returns notes it, to be called once it was accepted
   */
  begin(event: VerifiedEvent): () => void {
    const { body } = event;
    const copied = body.isUtf8 ? EventBody.fromText(body.text) : EventBody.fromBytes(body.bytes.slice());
    return () => this.#note(withBody(event, copied));
  }

  #note(event: VerifiedEvent): void {
    const { length } = event.body;
    if (this.#waiting.length >= MAX_EVENTS || this.#length + length > MAX_LENGTH) {
      this.#drop(1, "more events come than are written");
      return;
    }
    this.#waiting.push(event);
    this.#length += length;
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#begin(), WRITE_MS);
    Deno.unrefTimer(this.#timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#writeAll();
    this.#held?.lease.release();
  }

  #begin(): void {
    this.#writing = this.#writeAll().finally(() => {
      this.#timer = undefined;
      if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#begin(), WRITE_MS);
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      this.#length = this.#waiting.reduce((sum, { body }) => sum + body.length, 0);
      const lease = this.#lease();
      if (lease === undefined) {
        const { connection } = this.#options;
        this.#drop(batch.length, `there is no connection '${connection}' of type clickhouse`);
        continue;
      }
      const results = await Promise.all(
        batch.map((event) => lease.deliver(event, this.#config, undefined, MOST_MS)),
      );
      const failures = results.filter((result) => result !== "delivered");
      this.#written.add(results.length - failures.length);
      const [failure] = failures;
      if (failure !== undefined) this.#drop(failures.length, failure.message);
    }
  }

  /** The hold on the output of the connection as it is configured now. */
  #lease(): OutputLease | undefined {
    const { connection: name, connections, outputs } = this.#options;
    const { connectionTypes } = clickhouseModule;
    let found: CompiledConnection | undefined;
    for (const each of connections()) {
      if (each.name === name && connectionTypes.includes(each.type)) found = each;
    }
    if (found?.fingerprint === this.#held?.fingerprint) return this.#held?.lease;
    const former = this.#held;
    this.#held = found === undefined
      ? undefined
      : { fingerprint: found.fingerprint, lease: outputs.acquire(clickhouseModule, found, this.#config) };
    former?.lease.release();
    return this.#held?.lease;
  }

  #drop(events: number, reason: string): void {
    this.#dropped.add(events);
    this.#reports.run("dropped", (suppressed) => {
      this.#options.logger.warning("{events} accepted events were not noted in the event log: {reason}", {
        events,
        reason,
        table: this.#options.table,
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    });
  }
}
