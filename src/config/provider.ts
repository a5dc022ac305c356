/**
 * The contract of configuration providers. A provider finds values and reports every change to a sink;
 * it neither validates them nor answers look-ups.
 *
 * @module
 */

import type { Metrics } from "../observability/metrics.ts";
import type { BackendKey } from "../event/names.ts";
import type { ProblemReason } from "./problem.ts";

/** One value as the backend holds it now. */
export interface ConfigPut {
  readonly key: BackendKey;
  /** The parsed JSON value, before substitution and validation, or why it could not be parsed. */
  readonly value: { readonly json: unknown } | { readonly problem: ProblemReason };
  /** etcd's mod_revision, or a number that grows with each load of the file. */
  readonly revision: string;
  /**
   * When the entry was made, in an order of its backend that no restart and no change of its value changes: etcd's
   * create_revision. @default as early as can be
   */
  readonly created?: number;
  /** Whether nobody has configured it: it stands in for a configuration that does not exist. @default false */
  readonly isBuiltIn?: boolean;
  /**
   * Whether it is an older value, which is put so that it stays in service if the newer one is bad that is put right
   * after it. @default false
   */
  readonly isFormer?: boolean;
}

/** A key that the backend no longer holds. */
export interface ConfigDelete {
  readonly key: BackendKey;
  readonly revision: string;
  readonly deleted: true;
}

export type ConfigChange = ConfigPut | ConfigDelete;

/**
 * How the newest value of a key stands.
 *
 * - `served`: nothing is wrong with it.
 * - `former`: it is bad, and an older one is in service.
 * - `nothing`: it is bad, and none is in service.
 * - `unknown`: it waits for a secret, or for a look at the system behind it.
 */
export type Standing = "served" | "former" | "nothing" | "unknown";

/** Where a provider reports to. The configuration manager is one. */
export interface ConfigSink {
  /**
   * Applies the changes in one synchronous step: no request sees some of them without the others. Only what would
   * hold up all requests meanwhile is broken up: by a provider a save of a file in which more than 128 entries change,
   * and the deletion of more than 1,024 keys at once; by the sink what follows for more than 512 other webhooks, whose
   * connection or channel has changed.
   *
   * @param moreFollow whether these are a part of a long list, whose problems are logged at its end
   */
  apply(changes: readonly ConfigChange[], moreFollow?: boolean): void;
  /**
   * Sets or clears a problem that belongs to no single entry: a broken file, a foreign key.
   *
   * @param source the file's path or the raw key
   * @param serving what requests get meanwhile. @default "nothing"
   * @param moreFollow whether more of the same moment follow, after which all are logged
   */
  reportSource(
    source: string,
    problem: ProblemReason | undefined,
    revision: string,
    serving?: "last_good" | "nothing",
    moreFollow?: boolean,
  ): void;
  /** How a key stands; a sink that does not judge values serves them all. */
  standing?(key: BackendKey): Standing;
}

/** A time during which changes do not reach this process. */
export interface Outage {
  /** A short word, as in metrics: `denied`, `unreachable`. */
  readonly reason: string;
  /** What happened last, for operators: it names hosts. */
  readonly message: string;
  /** When it began, in milliseconds since 1970. */
  readonly since: number;
}

/** How the copy of the configuration is doing that a start can be made from. */
export interface SnapshotStatus {
  /** Its path. */
  readonly file: string;
  /** Whether it was written, is yet to be, or cannot be. */
  readonly state: "written" | "waiting" | "failing";
  /** When it was written last, or since when it cannot be, in milliseconds since 1970. */
  readonly since?: number;
  /** Why it cannot be. */
  readonly reason?: string;
}

/** What a provider knows about itself. */
export interface ProviderStatus {
  readonly backend: "file" | "etcd";
  /** Whether changes reach this process at the moment. */
  readonly connected: boolean;
  /** Whether requests are served from something older than the backend may hold, for example a snapshot file. */
  readonly degraded: boolean;
  /** The revision that was applied last; empty before the first load. */
  readonly revision: string;
  /** When the backend was last known to hold what is served, in milliseconds since 1970. */
  readonly lastSyncAt: number | undefined;
  /** What keeps the first configuration from being complete, for anybody to read; left out once it is. */
  readonly missing?: string;
  /** Why changes do not reach this process at the moment, where the backend knows it. */
  readonly outage?: Outage | undefined;
  /** Left out where no snapshot is kept. */
  readonly snapshot?: SnapshotStatus;
}

/** Where configuration comes from. Read-only: nothing here writes to a backend. */
export interface ConfigProvider extends AsyncDisposable {
  readonly backend: "file" | "etcd";
  /** Whether there is no configuration at all, so that the webhook `default` stands in for it. @default false */
  readonly usingEmbeddedDefault?: boolean;
  /**
   * Starts loading and watching. Resolves when the first full load has been applied.
   *
   * @throws {DOMException} `AbortError` when the signal aborts first
   */
  start(sink: ConfigSink, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when there is a complete configuration, where a start may come without one. Nothing of an incomplete
   * one may be served.
   *
   * @throws {DOMException} `AbortError`, or the reason that the signal was given, when it aborts first
   */
  completed?(signal: AbortSignal): Promise<void>;
  /** Looks for changes now, without waiting for a notification. Resolves when they are applied. */
  reload(signal: AbortSignal): Promise<void>;
  status(): ProviderStatus;
  /**
   * Where something in an entry stands, for people: `overlay.json:12`. Left out where there is one place only.
   *
   * @param key as problems name it: `webhook team-a/orders`
   * @param path within the entry; empty for the entry as a whole
   */
  placeOf?(key: string, path: string): string | undefined;
  /**
   * Whether the backend has had another value of a key before the one it has now, which other processes may have put
   * into service. Left out where that is not known.
   *
   * @param key as problems name it: `webhook team-a/orders`
   */
  hadOtherValue?(key: string): boolean;
  /** Registers metrics of this kind of backend, besides those that every provider has. */
  registerMetrics?(metrics: Metrics): void;
}
