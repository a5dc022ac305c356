/**
 * Configuration from etcd, live: a complete list, then a watch from the revision after it, for as long as
 * the process runs. Whatever ends the watch, the next one starts where the last one stopped; what was
 * applied serves on meanwhile.
 *
 *     endpoint ── connect ── list, if needed ── watch ──┬── events: applied, the position moves
 *        │                   difference applied         ├── proofs of life
 *        │                                              └── lists besides: reconnected, reload, reconciliation
 *        └──────── pause ──────── any end ──────────────┘
 *
 * @module
 */

import { EtcdConnection, type EtcdConnectionOptions, type OpenedConnection } from "./wire/connection.ts";
import { type EtcdEndpoint, parseEndpoint } from "./wire/endpoint.ts";
import { KeySpace } from "./wire/key_space.ts";
import { boundariesOf } from "./list/pages.ts";
import { Endpoints } from "./endpoints.ts";
import { EtcdMirror } from "./mirror/mirror.ts";
import { DEFAULT_TIMING, DEGRADED_AFTER_MS, type EtcdProviderOptions, type EtcdTiming } from "./options.ts";
import { OutageClock } from "./outage.ts";
import { ReloadQueue } from "./reload_queue.ts";
import { type ListReason, runSession, type SessionObserver, toSessionEnd } from "./session.ts";
import type { EndReason, ResyncReason, SessionEnd } from "./session_end.ts";
import { applyStored, readStored } from "./restore.ts";
import { StoredValues } from "../snapshot/last_good.ts";
import { SnapshotWriter } from "../snapshot/writer.ts";
import type { Snapshot } from "../snapshot/file.ts";
import { formatConfigKey, parseDescribedKey } from "../../event/names.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { Counts, type EtcdProviderStats, registerEtcdMetrics } from "./metrics.ts";
import type { Synchronized } from "./list/synchronize.ts";
import type { ConfigProvider, ConfigSink, ProviderStatus } from "../provider.ts";
import { RetrySchedule } from "./retry_schedule.ts";
import { ReportLimiter } from "../../observability/report_limiter.ts";
import { firstAnswer } from "../../time/first_answer.ts";

export type { EtcdProviderOptions, EtcdTiming } from "./options.ts";
export type { EtcdProviderStats } from "./metrics.ts";

const OUTDATED = { part: "configuration", name: "etcd", kind: "outdated" } as const;

/** Configuration from etcd. */
export class EtcdConfigProvider implements ConfigProvider {
  readonly backend = "etcd";
  readonly #options: EtcdProviderOptions;
  readonly #timing: EtcdTiming;
  readonly #random: () => number;
  readonly #endpoints: Endpoints;
  readonly #keySpace: KeySpace;
  readonly #schedule: RetrySchedule;
  readonly #reloads = new ReloadQueue();
  readonly #stop = new AbortController();
  readonly #warnings = new ReportLimiter();
  readonly #firstLoad = Promise.withResolvers<void>();
  readonly #lists = new Counts<ListReason>();
  readonly #ends = new Counts<EndReason>();
  readonly #outages: OutageClock;
  #mirror: EtcdMirror | undefined;
  #snapshots: SnapshotWriter | undefined;
  #running: Promise<void> | undefined;
  #resync: ResyncReason | undefined;
  /** What requests are served from, if from anything. */
  #serving: "nothing" | "snapshot" | "etcd" = "nothing";
  #watchingSince: number | undefined;
  #isHeldBack = false;
  /** Whether the last attempt has brought no watch. */
  #isOut = false;
  /** Resolves when the connections that came too late are closed. */
  #settled: Promise<unknown> = Promise.resolve();
  #lastSyncAt: number | undefined;
  #events = 0;
  #massDeletes = 0;
  #writtenSnapshots = 0;

  /** @throws {TypeError} when an endpoint cannot be read, or there is none */
  constructor(options: EtcdProviderOptions) {
    if (options.endpoints.length === 0) throw new TypeError("Cannot use etcd without an endpoint");
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#random = options.random ?? Math.random;
    const endpoints = options.endpoints.map((text) => parseEndpoint(text, options.tls !== undefined));
    this.#endpoints = new Endpoints(endpoints, this.#random());
    this.#keySpace = new KeySpace(options.prefix);
    this.#outages = new OutageClock(options.degradedAfterMs ?? DEGRADED_AFTER_MS);
    // Only start() waits for it, and may do so no longer.
    this.#firstLoad.promise.catch(() => {});
    this.#schedule = new RetrySchedule({
      endpoints: endpoints.length,
      initialMs: this.#timing.retryInitialMs,
      maxMs: this.#timing.retryMaxMs,
      quickMs: this.#timing.retryQuickMs,
      random: this.#random,
    });
  }

  /**
   * Starts to connect, and goes on trying for as long as it takes. Resolves when the first complete list is
   * applied, or the snapshot file after the first attempt failed.
   *
   * @throws {DOMException} `AbortError` when the signal aborts first; the provider is then of no more use
   */
  async start(sink: ConfigSink, signal: AbortSignal): Promise<void> {
    if (this.#running !== undefined) throw new TypeError("Cannot start an etcd provider twice");
    signal.throwIfAborted();
    const { snapshot: place, logger } = this.#options;
    const mirror = new EtcdMirror({ sink, keySpace: this.#keySpace, keepTexts: place !== undefined });
    this.#mirror = mirror;
    if (place !== undefined) {
      this.#snapshots = new SnapshotWriter({
        place,
        source: mirror.snapshotSource,
        logger,
        intervalMs: this.#timing.snapshotIntervalMs,
        onWritten: () => {
          this.#writtenSnapshots++;
          sink.reportSource(place.file, undefined, String(mirror.position.revision));
        },
      });
    }
    this.#running = this.#run(mirror, sink);
    const abort = () => {
      this.#firstLoad.reject(signal.reason);
      this.#stop.abort();
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      await this.#firstLoad.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Lists everything now and applies the difference, also while the watch goes on. While etcd is away it
   * tries to connect at once, and resolves when that has worked out, now or later.
   *
   * @throws {DOMException} `AbortError` when the signal aborts first or the provider is closed
   */
  async reload(signal: AbortSignal): Promise<void> {
    if (this.#running === undefined) throw new TypeError("Cannot reload a provider that was not started");
    await this.#reloads.request(signal);
  }

  status(): ProviderStatus {
    const revision = this.#mirror?.position.revision ?? 0;
    const snapshot = this.#snapshots?.status;
    return {
      backend: "etcd",
      connected: this.#watchingSince !== undefined,
      degraded: this.#serving === "snapshot" || this.#isHeldBack || this.#outages.isDegraded,
      revision: revision === 0 ? "" : String(revision),
      lastSyncAt: this.#lastSyncAt,
      outage: this.#outages.outage,
      ...(snapshot === undefined ? {} : { snapshot }),
    };
  }

  hadOtherValue(key: string): boolean {
    const parsed = parseDescribedKey(key);
    return parsed !== undefined && this.#mirror?.keys.wasChanged(formatConfigKey(parsed)) === true;
  }

  /** The counters, for metrics. */
  stats(): EtcdProviderStats {
    return {
      watchConnected: this.#watchingSince !== undefined,
      lastAppliedRevision: this.#mirror?.position.revision ?? 0,
      lastSyncAt: this.#lastSyncAt,
      events: this.#events,
      lists: this.#lists.values,
      ends: this.#ends.values,
      keys: this.#mirror?.keys.size ?? 0,
      massDeletes: this.#massDeletes,
      snapshots: this.#writtenSnapshots,
    };
  }

  registerMetrics(metrics: Metrics): void {
    registerEtcdMetrics(metrics, () => this.stats());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new DOMException("The etcd provider was closed", "AbortError");
    this.#stop.abort(reason);
    this.#firstLoad.reject(reason);
    this.#reloads.close(reason);
    await this.#running;
    await this.#settled;
    await this.#snapshots?.[Symbol.asyncDispose]();
  }

  /** Never throws: what ends a session is counted, logged and answered with the next one. */
  async #run(mirror: EtcdMirror, sink: ConfigSink): Promise<void> {
    const { signal } = this.#stop;
    let stored = await this.#readStored(mirror, sink);
    while (!signal.aborted) {
      const ends = await this.#connect(this.#candidates(), mirror);
      const since = this.#watchingSince;
      this.#watchingSince = undefined;
      if (signal.aborted) return;
      if (this.#serving === "etcd") this.#firstLoad.resolve();
      const pause = this.#conclude(ends, since);
      if (stored !== undefined && this.#serving === "nothing") await this.#restore(mirror, stored);
      stored = undefined;
      await this.#pause(pause);
    }
  }

  /** The endpoints to try next: one after a watch was lost; all while none answers, or there is nothing to serve. */
  #candidates(): readonly EtcdEndpoint[] {
    const inTurn = this.#endpoints.inTurn();
    return this.#serving === "nothing" || this.#isOut ? inTurn : inTurn.slice(0, 1);
  }

  /** Runs one connection from its beginning to its end, to the first of the endpoints that answers. */
  async #connect(endpoints: readonly EtcdEndpoint[], mirror: EtcdMirror): Promise<readonly Ended[]> {
    const open = (endpoint: EtcdEndpoint) => (signal: AbortSignal) =>
      EtcdConnection.open(endpoint, this.#connectionOptions(), signal);
    await this.#settled;
    const { winner, failures, settled } = await firstAnswer(
      endpoints.map(open),
      this.#timing.patienceMs,
      this.#stop.signal,
      (late) => late[Symbol.asyncDispose](),
    );
    this.#settled = settled;
    const ends = Array.from(failures, ([index, error]) => this.#failed(endpoints[index]!, error));
    if (winner === undefined) return ends;
    const endpoint = endpoints[winner.index]!;
    this.#endpoints.answered(endpoint);
    return [...ends, { endpoint, end: await this.#runSession(endpoint, winner.result, mirror) }];
  }

  #failed(endpoint: EtcdEndpoint, error: unknown): Ended {
    this.#endpoints.failed(endpoint, error);
    return { endpoint, end: toSessionEnd(error) };
  }

  async #runSession(
    endpoint: EtcdEndpoint,
    { connection, header }: OpenedConnection,
    mirror: EtcdMirror,
  ): Promise<SessionEnd> {
    try {
      return await runSession({
        connection,
        header,
        mirror,
        timing: this.#timing,
        observer: this.#observe(endpoint, mirror),
        reloads: this.#reloads,
        habit: this.#endpoints.habitOf(endpoint),
        resync: this.#resync,
        isServing: () => this.#serving !== "nothing",
        random: this.#random,
        signal: this.#stop.signal,
      });
    } catch (error) {
      return toSessionEnd(error);
    }
  }

  /**
   * Draws the consequences of what has ended.
   *
   * @param ends in order; a session that had begun is the last
   * @param watchingSince when its watch was confirmed, on the clock of `performance.now()`
   * @returns the pause before the next attempt, in milliseconds
   */
  #conclude(ends: readonly Ended[], watchingSince: number | undefined): number {
    let pause = 0;
    this.#isOut = watchingSince === undefined;
    for (const [index, { endpoint, end }] of ends.entries()) {
      const since = index === ends.length - 1 ? watchingSince : undefined;
      const healthy = since !== undefined && performance.now() - since >= this.#timing.healthyAfterMs;
      pause = this.#schedule.next({ healthy, resync: end.resync !== undefined });
      this.#report(endpoint, end, since !== undefined, pause);
      if (end.resync !== undefined) this.#resync = end.resync;
      this.#endpoints.ended(endpoint, end.reason === "denied", end.resync === undefined);
    }
    return pause;
  }

  #connectionOptions(): EtcdConnectionOptions {
    const { credentials, tls } = this.#options;
    return {
      ...(credentials === undefined ? {} : { credentials }),
      ...(tls === undefined ? {} : { tls }),
      keepAlive: this.#timing.keepAlive,
      connectTimeoutMs: this.#timing.connectTimeoutMs,
      callTimeoutMs: this.#timing.callTimeoutMs,
      probeKey: this.#keySpace.start,
    };
  }

  #observe(endpoint: EtcdEndpoint, mirror: EtcdMirror): SessionObserver {
    const { logger } = this.#options;
    return {
      onListed: (reason, result) => this.#onListed(reason, result, mirror),
      onMassDelete: (keys, removed) => {
        this.#massDeletes++;
        this.#isHeldBack = true;
        logger.error(
          "etcd at {endpoint} has lost {removed} of {keys} keys; they stay in service until a second list confirms it",
          { endpoint: endpoint.name, removed, keys },
        );
      },
      onWatching: () => {
        this.#watchingSince = performance.now();
        this.#outages.noteWatch();
        this.#options.health?.end(OUTDATED, OUTDATED.kind, this);
        this.#firstLoad.resolve();
        const revision = mirror.position.next;
        logger.info("Watching etcd at {endpoint} from revision {revision}", {
          endpoint: endpoint.name,
          revision,
        });
      },
      onEvents: (count) => {
        if (count === 0) return;
        this.#events += count;
        this.#snapshots?.notify();
      },
      onInStep: () => this.#lastSyncAt = Date.now(),
    };
  }

  #onListed(reason: ListReason, { header, put, deleted }: Synchronized, mirror: EtcdMirror): void {
    this.#lists.increment(reason);
    this.#resync = undefined;
    this.#isHeldBack = false;
    this.#serving = "etcd";
    mirror.stored = undefined;
    this.#snapshots?.notify();
    this.#options.logger.info(
      "Listed {keys} keys of etcd at revision {revision} ({reason}): {put} new or changed, {deleted} deleted",
      { keys: mirror.keys.size, revision: header.revision, reason, put, deleted },
    );
  }

  /** A short one is none: what is served is as old as it. */
  #reportOutage({ message }: SessionEnd): void {
    if (!this.#outages.isDegraded) return;
    const cause = `${message}. Changes in etcd do not arrive; what was loaded last is served: look at etcd`;
    this.#options.health?.begin({ ...OUTDATED, cause }, this);
  }

  #report(endpoint: EtcdEndpoint, end: SessionEnd, wasWatching: boolean, pause: number): void {
    this.#ends.increment(end.reason);
    this.#outages.noteEnd(end);
    this.#reportOutage(end);
    this.#warnings.run(end.reason, (suppressed) => {
      const properties = {
        endpoint: endpoint.name,
        reason: end.reason,
        message: end.message,
        retryInMs: Math.round(pause),
        suppressed,
      };
      if (end.reason === "bug" || end.reason === "apply_failed") {
        this.#options.logger.error("{message}", { ...properties, error: end.cause });
      } else if (wasWatching) {
        this.#options.logger.warning(
          "Lost etcd at {endpoint}, next try in {retryInMs} ms: {message}",
          properties,
        );
      } else {
        this.#options.logger.warning(
          "Cannot watch etcd at {endpoint}, next try in {retryInMs} ms: {message}",
          properties,
        );
      }
    });
  }

  /** Reads the snapshot of an earlier process: what was in service before a bad value stays so. */
  async #readStored(mirror: EtcdMirror, sink: ConfigSink): Promise<Snapshot | undefined> {
    const { snapshot: place, logger } = this.#options;
    if (place === undefined) return undefined;
    const { prefix } = this.#keySpace;
    const stored = await readStored({ path: place.file, prefix, sink, logger }, this.#stop.signal);
    if (stored !== undefined) mirror.stored = new StoredValues(stored.keys);
    return stored;
  }

  /** Puts the last known state into service, since etcd cannot be reached. */
  async #restore(mirror: EtcdMirror, stored: Snapshot): Promise<void> {
    const { signal } = this.#stop;
    const { logger, snapshot: { file: path } = {} } = this.#options;
    try {
      await applyStored(stored, mirror, signal);
    } catch (error) {
      if (signal.aborted) return;
      logger.error("Cannot serve the snapshot {path}", { path, error });
      return;
    }
    mirror.stored = undefined;
    // They need not stand at even distances.
    mirror.boundaries = boundariesOf(stored.keys.map(([name]) => name)).toSorted();
    this.#serving = "snapshot";
    this.#firstLoad.resolve();
    logger.warning("Serving {keys} keys of {path} as of revision {revision} until etcd answers", {
      path,
      keys: stored.keys.length,
      revision: mirror.position.revision,
    });
  }

  /** Ends early when a reload is asked for, or an endpoint accepts connections (again). */
  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds === 0) return;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, over.signal]);
    const knocking = this.#endpoints.knock(this.#timing.knockIntervalMs, signal).then(() => over.abort());
    try {
      await this.#reloads.arrivesWithin(milliseconds, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      over.abort();
      await knocking;
    }
  }
}

/** How the connection to an endpoint has ended, or why none came about. */
interface Ended {
  readonly endpoint: EtcdEndpoint;
  readonly end: SessionEnd;
}
