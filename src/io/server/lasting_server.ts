/**
 * An HTTP server that outlives what ends the runtime's own: an `accept` that fails, above all since no descriptor
 * is left.
 *
 * The runtime closes its listener then, for good, and goes on serving the connections that it has. So a new
 * server opens at the same address as soon as there is room, and the former one ends after a while, which closes the
 * connections on which nothing happens: of those nobody else knows.
 *
 * The runtime's server has one certificate for its life, too. To serve another one, a new server opens beside the
 * former, at the same address (`SO_REUSEPORT`), and the former one ends soon. Until then either takes connections.
 * Servers of other processes may do so as well, where that is wanted.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { Arrivals } from "./arrivals.ts";
import { listenersAt } from "./connection_table.ts";
import { DescriptorReserve } from "./descriptor_reserve.ts";
import type { Counter, Metrics } from "../../observability/metrics.ts";
import { ReportLimiter } from "../../observability/report_limiter.ts";
import { pause } from "../../time/abortable.ts";

/** Descriptors for journal, configuration and outputs when connections have taken all others. */
const RESERVED_DESCRIPTORS = 32;

/** What a new server needs besides: its listener and a first connection. */
const SPARE_DESCRIPTORS = 2;

/** How often room for a new server is looked for, in milliseconds. */
const REOPEN_MS = 250;

/** How long the connections of a former server are kept by default, in milliseconds. */
const FORMER_MS = 150_000;

/** How long a moment without a request body on its way is waited for then, in milliseconds. */
const QUIET_MS = 60_000;

/**
 * How long a server with a former certificate goes on, in milliseconds. Its answers end their connections, so that those
 * in use find the new one.
 */
const FORMER_CERTIFICATE_MS = 2_000;

/** How long a moment without new connections is waited for then, in milliseconds, and how often one is looked for. */
const CALM_MS = 15_000;
const CALM_LOOK_MS = 25;

const SWITCHING_PROTOCOLS = 101;

/** A certificate with those of the authorities up to its root, and its key, in PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** Whether another server has taken the place of one. */
interface Standing {
  isFormer: boolean;
}

/** A server of the runtime. */
interface Served {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  readonly standing: Standing;
}

/** The metric that all servers of a process count in, to be registered once. */
export function acceptFailures(metrics: Metrics): Counter {
  return metrics.counter(
    "cwm_accept_failures_total",
    "How often new connections could not be taken and the listener had to be opened again.",
  ).with();
}

/** What a server is opened with. */
export interface LastingServerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /**
   * Whether servers of other processes may listen at the same address, of which the system gives each new connection to
   * one (`SO_REUSEPORT`, on Linux). All have to want that, and to run as the same user.
   *
   * @default false
   */
  readonly sharesPort?: boolean;
  readonly handler: Deno.ServeHandler<Deno.NetAddr>;
  /** What to serve HTTPS with; left out, it is HTTP. */
  readonly tls?: TlsPair | undefined;
  /** Resolves with `true` at a moment when no body is being read, or with `false` when the signal aborts first. */
  readonly bodiesRead?: (signal: AbortSignal) => Promise<boolean>;
  /**
   * How long the connections of a former server are kept, in milliseconds. By default longer than nginx (60 s),
   * Traefik (90 s) and Caddy (120 s) keep theirs in a pool, so that none is closed while a request is on its way.
   *
   * @default 150_000
   */
  readonly formerMs?: number;
  /** Counts how often its listener was lost: {@linkcode acceptFailures}. */
  readonly acceptFailures: Counter;
  readonly logger: Logger;
}

/** A server that listens until it is closed. */
export class LastingServer implements AsyncDisposable {
  readonly #options: LastingServerOptions;
  #reserve = new DescriptorReserve(RESERVED_DESCRIPTORS);
  readonly #closing = new AbortController();
  readonly #failures = new ReportLimiter();
  /** The one that listens, if any, and former ones whose connections are still served. */
  readonly #servers = new Set<Served>();
  #current: Served | undefined;
  #tls: TlsPair | undefined;
  /** New connections, for each former server that waits for a moment without any. */
  readonly #arrivals = new Set<Arrivals>();
  readonly #background = new Set<Promise<void>>();
  #port: number;

  /**
   * @throws {Deno.errors.AddrInUse | Deno.errors.AddrNotAvailable | Deno.errors.PermissionDenied}
   * @throws {Error} when the certificate and its key cannot be used
   */
  constructor(options: LastingServerOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#tls = options.tls;
    if (options.tls !== undefined && options.sharesPort !== true) requireFree(options);
    this.#port = this.#open();
    if (!this.#reserve.hold(SPARE_DESCRIPTORS)) {
      this.#reserve = new DescriptorReserve(0);
      options.logger.warning(
        "Files may fail to open under many connections: raise the limit on open files (ulimit -n)",
      );
    }
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  /**
   * How many servers of other processes listen at its address, and get the connections that this one takes no more. One
   * that was closed counts itself for as long as its listener is there. On other systems than Linux it is not known: 0.
   */
  othersListening(): number {
    const { sharesPort, host } = this.#options;
    if (sharesPort !== true) return 0;
    const own = this.#closing.signal.aborted
      ? 0
      : this.#arrivals.size + (this.#current === undefined ? 0 : 1);
    return Math.max(0, listenersAt(host, this.#port) - own);
  }

  /**
   * Serves another certificate from now on. The former server goes on for some seconds, until a moment when nobody has
   * just connected to it.
   *
   * @throws {Error} when the certificate and its key cannot be used; the former ones are served on
   */
  renew(tls: TlsPair): void {
    const former = this.#current;
    const before = this.#tls;
    this.#tls = tls;
    // One whose listener is gone is being replaced already.
    if (former === undefined || this.#closing.signal.aborted) return;
    const arrivals = new Arrivals(this.#port);
    try {
      this.#open();
    } catch (error) {
      this.#tls = before;
      throw error;
    }
    former.standing.isFormer = true;
    this.#arrivals.add(arrivals);
    this.#inBackground(this.#giveWay(former, arrivals));
  }

  /** Takes no connection any more. Resolves when the answers under way are given. May be called again. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#reserve.release();
    await Promise.all(Array.from(this.#servers, ({ server }) => server.shutdown()));
    await Promise.all(this.#background);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Opens a server. Returns its port. */
  #open(): number {
    const { host, logger, sharesPort } = this.#options;
    const tls = this.#tls;
    const standing: Standing = { isFormer: false };
    const server = Deno.serve({
      hostname: host,
      port: this.#port,
      ...(tls === undefined ? {} : { cert: tls.cert, key: tls.key }),
      reusePort: tls !== undefined || sharesPort === true,
      onListen: () => {},
      onError: (error) => {
        logger.error("The server failed to answer a request", { error });
        return new Response(null, { status: 500 });
      },
    }, this.#answererOf(standing));
    const served = { server, standing };
    this.#servers.add(served);
    this.#current = served;
    this.#inBackground(server.finished.catch((error) => {
      if (this.#closing.signal.aborted || standing.isFormer) return;
      standing.isFormer = true;
      this.#current = undefined;
      return this.#replace(served, error);
    }));
    return server.addr.port;
  }

  #answererOf(standing: Standing): Deno.ServeHandler<Deno.NetAddr> {
    const { handler } = this.#options;
    const answer: Deno.ServeHandler<Deno.NetAddr> = (request, info) =>
      standing.isFormer ? lastAnswer(handler(request, info)) : handler(request, info);
    if (this.#tls === undefined) return answer;
    return (request, info) => {
      for (const arrivals of this.#arrivals) arrivals.requested(info.remoteAddr.port);
      return answer(request, info);
    };
  }

  /** The listener of a server is gone, its connections are not. */
  async #replace(served: Served, error: unknown): Promise<void> {
    this.#options.acceptFailures.increment();
    this.#reserve.release();
    this.#failures.run("accept", (suppressed) =>
      this.#options.logger.error(
        "No new connection can be taken; the address is opened again as soon as there is room",
        { error, suppressed },
      ));
    this.#inBackground(this.#end(served));
    while (!await this.#reopened());
  }

  async #reopened(): Promise<boolean> {
    if (!await this.#waited(REOPEN_MS)) return true;
    if (!this.#reserve.hold(SPARE_DESCRIPTORS)) return false;
    try {
      this.#open();
      this.#options.logger.info("New connections are taken again");
      return true;
    } catch (error) {
      this.#reserve.release();
      this.#failures.run(
        "open",
        (suppressed) =>
          this.#options.logger.error("The address cannot be opened again", { error, suppressed }),
      );
      return false;
    }
  }

  /** Ends a former server, at a moment when no body is on its way to it: it would be broken off. */
  async #end(served: Served): Promise<void> {
    const { bodiesRead, formerMs = FORMER_MS } = this.#options;
    do {
      if (!await this.#waited(formerMs)) return;
    } while (bodiesRead !== undefined && !await bodiesRead(this.#within(QUIET_MS)));
    await this.#shutDown(served);
  }

  /**
   * Ends a server with a former certificate, at a moment when no body is on its way, and none of its connections is so
   * new that its first request is.
   */
  async #giveWay(served: Served, arrivals: Arrivals): Promise<void> {
    const { bodiesRead } = this.#options;
    try {
      if (!await this.#waited(FORMER_CERTIFICATE_MS)) return;
      const patientUntil = performance.now() + CALM_MS;
      for (;;) {
        const areRead = bodiesRead === undefined || await bodiesRead(this.#within(QUIET_MS));
        if (areRead && (performance.now() > patientUntil || arrivals.isQuiet())) break;
        if (!await this.#waited(CALM_LOOK_MS)) return;
      }
      await this.#shutDown(served);
    } finally {
      this.#arrivals.delete(arrivals);
    }
  }

  async #shutDown(served: Served): Promise<void> {
    if (this.#closing.signal.aborted) return;
    await served.server.shutdown();
    this.#servers.delete(served);
  }

  #within(milliseconds: number): AbortSignal {
    return AbortSignal.any([this.#closing.signal, AbortSignal.timeout(milliseconds)]);
  }

  /** Resolves with `true` after a time, or with `false` when the server is closed first. */
  async #waited(milliseconds: number): Promise<boolean> {
    const { signal } = this.#closing;
    // A server that is closed needs no pause.
    await pause(milliseconds, signal);
    return !signal.aborted;
  }

  #inBackground(work: Promise<void>): void {
    const listed = work.finally(() => this.#background.delete(listed));
    this.#background.add(listed);
  }
}

/** A connection of a former server is left with its answer: who keeps a pool opens a new one. */
async function lastAnswer(answer: Response | Promise<Response>): Promise<Response> {
  const response = await answer;
  if (response.status !== SWITCHING_PROTOCOLS) response.headers.set("connection", "close");
  return response;
}

/**
 * Two servers can listen at one address where both allow it, as servers of HTTPS do: without this look, one of another
 * gateway would go unnoticed and take half of the connections.
 *
 * @throws {Deno.errors.AddrInUse | Deno.errors.AddrNotAvailable | Deno.errors.PermissionDenied}
 */
function requireFree({ host, port }: LastingServerOptions): void {
  Deno.listen({ hostname: host, port }).close();
}
