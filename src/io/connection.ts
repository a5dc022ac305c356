/**
 * A connection that is opened when it is needed, and again after it was lost: one at a time, whoever asks for it. While
 * the system is down, whoever comes fails at once; the log says once that it is down and once that it is back.
 *
 * No client library is left to reconnect by itself. They send again what may have been carried out, or keep what is
 * under way without an end: here it ends with its connection, or when its time is up, whatever the client does.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { DeliveryError, errorCode } from "../errors.ts";
import type { HealthReports } from "../health/health.ts";
import { ReportLimiter } from "../observability/report_limiter.ts";
import { abortable } from "../time/abortable.ts";
import { backoffBoundMs, type BackoffGrowth, halfRandom } from "../time/backoff.ts";
import { within } from "../time/within.ts";

/** How long a system that is down is left alone after each failure. */
const PAUSES: BackoffGrowth = { initialMs: 50, maxMs: 1_000 };

const OPEN_TIMEOUT_MS = 5_000;

/** How long the end of connections is waited for at most when nobody needs them any more, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/** A connection that has lasted this long was in order, in milliseconds: many servers and proxies close what is idle. */
const HEALTHY_MS = 1_000;

/** What an opener gets. */
export interface Opening {
  /** Aborts when there is no more time, or nobody needs the connection any more. */
  readonly signal: AbortSignal;
  /** To be called when the connection has ended by itself, also in the middle of being opened. */
  lost(reason: DeliveryError): void;
}

/** Where is said that a system is down, or back. */
export interface ConnectionLog {
  /** The name that the configuration gives the connection. */
  readonly name: string;
  readonly logger: Logger;
  /** Where is reported that it is down, too. @default nowhere */
  readonly health?: HealthReports | undefined;
}

/** What is supervised, and how. */
export interface SupervisorOptions<Connection> {
  /** Begins sentences about the system, for example `Redis 10.0.0.1:6379`. */
  readonly server: string;
  /** @default nowhere */
  readonly log?: ConnectionLog | undefined;
  /** Opens a connection. What it throws is a {@linkcode DeliveryError}, or an error of the system with its code. */
  open(opening: Opening): Promise<Connection>;
  /** Ends a connection at once. It is waited for only when the supervisor is disposed of, and not for long. */
  close(connection: Connection): PromiseLike<void> | void;
  /** Whether a connection that nobody has called lost can still be used. @default true */
  isUsable?(connection: Connection): boolean;
  /** How long opening may take, in milliseconds. @default 5000 */
  readonly openTimeoutMs?: number;
  /** The pauses between failures. @default from 50 ms to a second, twice as long each time, half of each random */
  readonly pauses?: BackoffGrowth;
  /**
   * Whether the client itself ends what is under way when the connection ends, and then knows what has been answered.
   * @default false
   */
  readonly endsItsWork?: boolean;
  /**
   * Whether a connection can go on after what was begun on it has been given up, since its protocol tells answers
   * apart. Otherwise it is closed then. @default false
   */
  readonly outlivesTimeouts?: boolean;
}

/**
 * - `idle`: there is none, since nobody has needed one, or it was closed when nothing was wrong.
 * - `down`: it was lost or could not be opened.
 */
export type ConnectionState = "idle" | "opening" | "open" | "down" | "closed";

/** One connection from its opening to its end. */
interface Life<Connection> {
  readonly connection: Connection;
  /** By `performance.now()`. */
  readonly since: number;
  /** Aborts with the reason why it ended. */
  readonly end: AbortController;
}

/** Opens a connection again and again, and knows how it is. Disposal ends what is under way on it. */
export class ConnectionSupervisor<Connection> implements AsyncDisposable {
  readonly #options: SupervisorOptions<Connection>;
  readonly #reports = new ReportLimiter();
  readonly #closing = new Set<Promise<unknown>>();
  #life: Life<Connection> | undefined;
  #opening: Promise<Life<Connection>> | undefined;
  /** Ends the opening under way. */
  #abortOpening: AbortController | undefined;
  #failure: DeliveryError | undefined;
  /** Failures since it was in order. */
  #failures = 0;
  #retryAt = -Infinity;
  /** The reason that the log gave last; `undefined` while it does not say that the system is down. */
  #reported: string | undefined;
  #closed: DeliveryError | undefined;

  constructor(options: SupervisorOptions<Connection>) {
    this.#options = options;
  }

  get state(): ConnectionState {
    if (this.#closed !== undefined) return "closed";
    if (this.#life !== undefined) return "open";
    if (this.#failure !== undefined) return "down";
    return this.#opening === undefined ? "idle" : "opening";
  }

  /** Why the system is down; `undefined` while it is not. */
  get failure(): DeliveryError | undefined {
    return this.#failure;
  }

  /** How long it is until the next connection may be tried, in milliseconds: until then, whoever comes fails at once. */
  get pauseMs(): number {
    return Math.max(0, this.#retryAt - performance.now());
  }

  /**
   * Works on the connection, which is opened if need be.
   *
   * @param signal ends the wait; the connection ends with it, unless it outlives time-outs
   * @param work what it throws is a {@linkcode DeliveryError}, or ends the connection, of which nothing is known then
   * @throws {DeliveryError} that of the work, or when the system is down, the connection is lost or the signal aborts
   */
  async use<Result>(work: (connection: Connection) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    let life: Life<Connection> | undefined;
    try {
      signal.throwIfAborted();
      life = this.#usable() ?? await abortable(this.#connected(), signal);
      const working = work(life.connection);
      const ending = this.#options.endsItsWork === true ? working : abortable(working, life.end.signal);
      return await abortable(ending, signal);
    } catch (error) {
      const { server, outlivesTimeouts } = this.#options;
      if (error instanceof DeliveryError && !signal.aborted) throw error;
      const failure = signal.aborted
        ? new DeliveryError("output_timeout", `${server} did not answer in time`, { cause: error })
        : unreachable(server, error);
      if (life !== undefined && !(signal.aborted && outlivesTimeouts === true)) this.#end(life, failure);
      throw failure;
    }
  }

  /**
   * The connection, which is opened if need be, for work that ends by itself when the connection does.
   *
   * @throws {DeliveryError} when the system is down
   * @throws the signal's reason when that aborts first
   */
  async acquire(signal: AbortSignal): Promise<Connection> {
    return (this.#usable() ?? await abortable(this.#connected(), signal)).connection;
  }

  /**
   * Gives a connection up; nothing happens when there is another one already. Whoever comes next has another.
   *
   * @param reason of a failure, after which there is a pause first. @default it was in order, and there is none
   */
  drop(connection: Connection, reason?: DeliveryError): void {
    if (this.#life?.connection === connection) this.#end(this.#life, reason);
  }

  /** Ends the connection, what is under way on it, and the opening of another. No other one is opened. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = new DeliveryError("output_unavailable", `${this.#options.server} is not used any more`);
    this.#abortOpening?.abort(this.#closed);
    this.#endTrouble("removed");
    if (this.#life !== undefined) this.#end(this.#life, this.#closed);
    await this.#opening?.catch(() => {}); // Whoever waits for it learns of it.
    await within(CLOSE_TIMEOUT_MS, Promise.allSettled(this.#closing));
  }

  #usable(): Life<Connection> | undefined {
    const life = this.#life;
    if (life === undefined || this.#options.isUsable?.(life.connection) !== false) return life;
    const { server } = this.#options;
    this.#lose(
      life.end,
      new DeliveryError("output_unavailable", `The connection to ${server} cannot be used any more`),
    );
    return undefined;
  }

  #connected(): Promise<Life<Connection>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#failure !== undefined && this.pauseMs > 0) return Promise.reject(this.#failure);
    return this.#opening ??= this.#open().finally(() => this.#opening = undefined);
  }

  async #open(): Promise<Life<Connection>> {
    const { server, openTimeoutMs = OPEN_TIMEOUT_MS } = this.#options;
    const abort = this.#abortOpening = new AbortController();
    const end = new AbortController();
    const timer = setTimeout(() => {
      abort.abort(new DeliveryError("output_timeout", `${server} did not answer within ${openTimeoutMs} ms`));
    }, openTimeoutMs);
    const lost = (reason: DeliveryError) => this.#lose(end, reason);
    const opened = Promise.resolve().then(() => this.#options.open({ signal: abort.signal, lost }));
    try {
      const connection = await abortable(abortable(opened, end.signal), abort.signal);
      abort.signal.throwIfAborted();
      end.signal.throwIfAborted();
      this.#life = { connection, since: performance.now(), end };
      this.#succeed();
      return this.#life;
    } catch (error) {
      this.#follow(opened.then((late) => this.#options.close(late), () => {}));
      throw this.#fail(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The other side has ended a connection, which may be one that was given up or is not open yet. */
  #lose(end: AbortController, reason: DeliveryError): void {
    const life = this.#life;
    if (life?.end !== end) return end.abort(reason);
    const wasInOrder = this.#failures === 0 || performance.now() - life.since >= HEALTHY_MS;
    this.#end(life, wasInOrder ? undefined : reason, reason);
    // Another one that is lost soon after this one is a failure.
    if (wasInOrder) this.#failures = 1;
  }

  /** @param failure what to remember. @param reason what ends the work under way */
  #end(life: Life<Connection>, failure?: DeliveryError, reason = failure): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    if (performance.now() - life.since >= HEALTHY_MS) this.#failures = 0;
    if (failure !== undefined) this.#fail(failure);
    life.end.abort(
      reason ?? new DeliveryError("output_unavailable", `${this.#options.server} is connected to again`),
    );
    this.#follow(this.#options.close(life.connection));
  }

  #succeed(): void {
    this.#failure = undefined;
    this.#endTrouble("ended");
    if (this.#reported === undefined) return;
    this.#reported = undefined;
    const { log, server } = this.#options;
    log?.logger.info("Connection {connection}: {server} answers again", { connection: log.name, server });
  }

  #fail(error: unknown): DeliveryError {
    const failure = error instanceof DeliveryError ? error : unreachable(this.#options.server, error);
    if (this.#closed !== undefined) return this.#closed;
    this.#failure = failure;
    this.#failures++;
    this.#retryAt = performance.now() +
      halfRandom(backoffBoundMs(this.#options.pauses ?? PAUSES, this.#failures));
    this.#report(failure.message);
    this.#options.log?.health?.begin({
      ...this.#trouble,
      cause: `${failure.message}. It is tried again when it is needed`,
    }, this);
    return failure;
  }

  get #trouble(): { readonly part: "connection"; readonly name: string; readonly kind: "unreachable" } {
    return { part: "connection", name: this.#options.log?.name ?? "", kind: "unreachable" };
  }

  #endTrouble(change: "ended" | "removed"): void {
    this.#options.log?.health?.end(this.#trouble, "unreachable", this, change);
  }

  /** Once for each reason that follows another, so that the log says when it has become another one. */
  #report(reason: string): void {
    if (this.#reported === reason) return;
    this.#reports.run(reason, (suppressed) => {
      this.#reported = reason;
      const { log } = this.#options;
      log?.logger.warning("Connection {connection}: {reason}", { connection: log.name, reason, suppressed });
    });
  }

  #follow(closing: PromiseLike<void> | void): void {
    const ended = Promise.resolve(closing).catch(() => {}); // What cannot be closed in order is gone as well.
    this.#closing.add(ended);
    void ended.then(() => this.#closing.delete(ended));
  }
}

/** Says that a system could not be connected to, or that the connection ended. @param server begins the sentence */
export function unreachable(server: string, cause: unknown): DeliveryError {
  return new DeliveryError("output_unavailable", `${server} cannot be reached: ${errorCode(cause)}`, {
    cause,
  });
}
