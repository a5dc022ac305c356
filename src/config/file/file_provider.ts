/**
 * The provider that reads webhooks and connections from JSON files.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { describeKey } from "../../event/names.ts";
import { logger } from "../../observability/logging.ts";
import { abortable } from "../../time/abortable.ts";
import { EMBEDDED_DEFAULT, EntriesFile, type EntryChange, type FileState, toChange } from "./entries_file.ts";
import { FileStore } from "./stored.ts";
import { CONNECTIONS, WEBHOOKS } from "../values/file_members.ts";
import { FileWatcher } from "./watch/file_watcher.ts";
import type { ProblemReason } from "../problem.ts";
import type { ConfigProvider, ConfigSink, ProviderStatus } from "../provider.ts";
import { ReloadWatch } from "../reload_watch.ts";
import type { SnapshotPlace } from "../snapshot/writer.ts";
import { inSlices, Pace } from "../../time/pace.ts";

/** Where the configuration files are, and how they are looked at. */
export interface FileConfigProviderOptions {
  /** Path of `webhooks.json`: webhook id -> webhook. */
  readonly webhooksFile: string;
  /** Path of `connections.json`: connection name -> connection. */
  readonly connectionsFile: string;
  /** Paths of files that are merged into these, one after the other (RFC 7396). @default none */
  readonly overlays?: { readonly webhooks?: readonly string[]; readonly connections?: readonly string[] };
  /**
   * Which of the files the operator has named. Where none is named and none exists at the start, a webhook
   * `default` stands in for them; connections need no file unless it is named. @default []
   */
  readonly named?: readonly ("webhooks" | "connections")[];
  /** The namespace of all webhooks in the file. */
  readonly defaultNamespace: string;
  /** Where what was read last is kept for a start with files that are broken or gone. @default nowhere */
  readonly snapshot?: SnapshotPlace;
  /** The shortest time between two writes of it, in milliseconds. @default 5000 */
  readonly snapshotIntervalMs?: number;
  /** @default the logger `cwm.config` */
  readonly logger?: Logger;
  /** Whether problems of single files have a place, too; of merged ones they always have. @default false */
  readonly keepsPlaces?: boolean | undefined;
  /** The text of the webhooks, which is taken instead of a file; the file's path is its name then. @default none */
  readonly given?: Uint8Array<ArrayBuffer> | undefined;
  /** How often to look for changes that the system did not report, in milliseconds. @default 30000 */
  readonly pollIntervalMs?: number;
  /** How long a change has to be over before the files are read, in milliseconds. @default 50 */
  readonly debounceMs?: number;
  /** How long reading a file may take, in milliseconds. @default 10000 */
  readonly readTimeoutMs?: number;
  /** How long reading the files may take before it is a problem to report, in milliseconds. @default 2000 */
  readonly hungAfterMs?: number;
}

/** Changed entries that are applied in one step: of invalid ones, which cost most, about 10 ms. */
const MAX_AT_ONCE = 128;

/** How the problem of files that are not read to the end is named. */
const RELOAD = "configuration files";

/** A report is not broken off, but reports nothing more once the provider was stopped. */
const NEVER_ENDED = new AbortController().signal;

/**
 * Configuration from two JSON files, live: a change in either, or in one that is merged into it, is reported within a
 * fraction of a second, and nothing but what changed. A file that is broken or gone is a problem to report; what was
 * read last stays in service, also by an earlier process where a snapshot is kept. Until each file that there must be was read once, the configuration is not complete.
 */
export class FileConfigProvider implements ConfigProvider {
  readonly backend = "file";
  readonly #webhooks: EntriesFile;
  readonly #connections: EntriesFile;
  /** The files by what the keys of their entries begin with, as problems name them. */
  readonly #kinds: readonly { readonly ofKind: string; readonly file: EntriesFile }[];
  readonly #watcher: FileWatcher;
  readonly #pollIntervalMs: number;
  readonly #logger: Logger;
  readonly #reloads: ReloadWatch;
  readonly #mayStandIn: boolean;
  readonly #complete = Promise.withResolvers<void>();
  #isComplete = false;
  readonly #openStore: ((sink: ConfigSink) => FileStore) | undefined;
  #store: FileStore | undefined;
  #sink: ConfigSink | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;
  /** The load under way. */
  #loading: Promise<void> | undefined;
  /** The load after it, which sees what changed meanwhile. */
  #following: Promise<void> | undefined;
  /** How many loads found something new. */
  #revision = 0;
  #lastSyncAt: number | undefined;
  #stopped = false;
  readonly #stopping = new AbortController();

  constructor(options: FileConfigProviderOptions) {
    const { defaultNamespace: namespace, named = [], overlays = {} } = options;
    this.#mayStandIn = named.length === 0;
    this.#webhooks = new EntriesFile([options.webhooksFile, ...overlays.webhooks ?? []], {
      ...WEBHOOKS,
      keyOf: (id) => ({ kind: "webhook", namespace, id }),
      optional: false,
      readTimeoutMs: options.readTimeoutMs,
      keepsPlaces: options.keepsPlaces,
      given: options.given,
    });
    this.#connections = new EntriesFile([options.connectionsFile, ...overlays.connections ?? []], {
      ...CONNECTIONS,
      keyOf: (name) => ({ kind: "connection", name }),
      optional: !named.includes("connections"),
      readTimeoutMs: options.readTimeoutMs,
      keepsPlaces: options.keepsPlaces,
    });
    this.#kinds = [
      { ofKind: describeKey({ kind: "webhook", namespace, id: "" }), file: this.#webhooks },
      { ofKind: describeKey({ kind: "connection", name: "" }), file: this.#connections },
    ];
    this.#logger = options.logger ?? logger("config");
    this.#reloads = new ReloadWatch(
      (problem) => this.#sink?.reportSource(RELOAD, problem, String(this.#revision), "last_good"),
      "Reading them",
      options.hungAfterMs,
    );
    const { snapshot: place, snapshotIntervalMs: intervalMs } = options;
    this.#openStore = place && ((sink) =>
      new FileStore({
        place,
        files: { webhooks: this.#webhooks, connections: this.#connections },
        namespace,
        logger: this.#logger,
        sink,
        generation: () => this.#isComplete && !this.usingEmbeddedDefault ? this.#revision : undefined,
        intervalMs,
      }));
    this.#pollIntervalMs = options.pollIntervalMs ?? 30_000;
    this.#watcher = new FileWatcher({
      onChange: () => this.#loadInBackground(),
      debounceMs: options.debounceMs ?? 50,
      logger: this.#logger,
    });
  }

  /** Whether there is no configuration at all, so that the webhook `default` stands in for it. */
  get usingEmbeddedDefault(): boolean {
    return this.#webhooks.reported.origin === "embedded_default";
  }

  /**
   * Starts loading and watching. Resolves when both files have been read, be they good, broken or missing.
   *
   * @throws {DOMException} `AbortError`, or the reason that the signal was given, when it aborts first
   */
  async start(sink: ConfigSink, signal: AbortSignal): Promise<void> {
    if (this.#sink !== undefined || this.#stopped) throw invalidState("Cannot start a file provider twice");
    signal.throwIfAborted();
    this.#sink = sink;
    try {
      this.#store = this.#openStore?.(sink);
      if (this.#store !== undefined) await abortable(this.#store.restore(this.#stopping.signal), signal);
      await abortable(this.#load(), signal);
    } catch (error) {
      this.#stopped = true;
      throw error;
    }
    this.#assertRunning();
    this.#poll = setInterval(() => this.#loadInBackground(), this.#pollIntervalMs);
  }

  /**
   * Reads the files now. Resolves when every change made before the call is applied.
   *
   * @throws {DOMException} `InvalidStateError` before the start and after disposal, or the signal's reason
   */
  async reload(signal: AbortSignal): Promise<void> {
    this.#assertRunning();
    signal.throwIfAborted();
    await abortable(this.#load(), signal);
    this.#assertRunning();
  }

  async completed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await abortable(this.#complete.promise, signal);
  }

  status(): ProviderStatus {
    const states = [this.#webhooks.reported, this.#connections.reported];
    const snapshot = this.#store?.status;
    return {
      backend: this.backend,
      ...(snapshot === undefined ? {} : { snapshot }),
      connected: this.#revision > 0 && !this.#stopped,
      degraded: states.some(({ problems, origin }) => problems.size > 0 && origin !== "nothing"),
      revision: this.#revision === 0 ? "" : String(this.#revision),
      lastSyncAt: this.#lastSyncAt,
      ...(this.#isComplete || this.#revision === 0 ? {} : { missing: this.#describeMissing() }),
    };
  }

  placeOf(key: string, path: string): string | undefined {
    for (const { ofKind, file } of this.#kinds) {
      if (key.startsWith(ofKind)) return file.placeOf(key.slice(ofKind.length), path);
    }
    return undefined;
  }

  #describeMissing(): string {
    const files = [["webhooks", this.#webhooks], ["connections", this.#connections]] as const;
    return files.filter(([, { missing }]) => missing !== undefined)
      .map(([name, { missing }]) => `File of the ${name}: ${missing}`)
      .join("; ");
  }

  /** Stops watching, and waits for a load under way; it reports nothing any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#stopping.abort();
    clearInterval(this.#poll);
    await this.#watcher[Symbol.asyncDispose]();
    await Promise.allSettled([this.#loading, this.#following]);
    await this.#store?.[Symbol.asyncDispose]();
  }

  #assertRunning(): void {
    if (this.#sink === undefined) throw invalidState("Cannot use a file provider that was not started");
    if (this.#stopped) throw invalidState("Cannot use a file provider that was stopped");
  }

  #loadInBackground(): void {
    if (this.#stopped) return;
    this.#load().catch((error) => this.#logger.error("Loading the configuration files failed", { error }));
  }

  /** Loads once the load under way, if any, is done. Callers that come meanwhile share that next load. */
  #load(): Promise<void> {
    if (this.#loading === undefined) {
      this.#loading = this.#loadNow().finally(() => this.#loading = undefined);
      return this.#loading;
    }
    // A failure of the load under way is for those who asked for it.
    this.#following ??= this.#loading.catch(() => {}).then(() => {
      this.#following = undefined;
      return this.#load();
    });
    return this.#following;
  }

  async #loadNow(): Promise<void> {
    const ended = this.#reloads.begin();
    try {
      await this.#readNow();
    } finally {
      ended(this.#stopped || this.#problems().every(({ code }) => code !== "file_unreadable"));
    }
  }

  async #readNow(): Promise<void> {
    const startedAt = Date.now();
    await this.#watch();
    const { signal } = this.#stopping;
    const [connections, webhooks] = await Promise.all([
      this.#connections.read(signal),
      this.#webhooks.read(signal),
    ]);
    if (this.#stopped) return;
    const noFiles = webhooks.problems.get(this.#webhooks.paths[0]!)?.code === "file_missing" &&
      !webhooks.seen &&
      connections.origin === "nothing" && connections.problems.size === 0;
    const standsIn = this.#mayStandIn && this.#revision === 0 && noFiles;
    await this.#report(connections, standsIn ? EMBEDDED_DEFAULT : webhooks);
    if (this.#stopped) return;
    if (!this.#isComplete && this.#describeMissing() === "") {
      this.#isComplete = true;
      this.#complete.resolve();
    }
    if (this.#problems().length === 0) this.#lastSyncAt = startedAt;
    this.#store?.notify();
  }

  /** What is wrong with files as a whole. */
  #problems(): readonly ProblemReason[] {
    return [this.#webhooks, this.#connections].flatMap(({ reported }) => [...reported.problems.values()]);
  }

  /** A start does not wait for the watch: the files are read again when it is there. */
  async #watch(): Promise<void> {
    const watching = this.#watcher.follow([...this.#webhooks.paths, ...this.#connections.paths]);
    if (this.#revision > 0) return await watching;
    void watching.then(() => this.#loadInBackground());
  }

  /** Reports what differs from the last report: the connections first, and much of it in slices. */
  async #report(connections: FileState, webhooks: FileState): Promise<void> {
    const revision = String(this.#revision + 1);
    const updates = [
      { file: this.#connections, next: connections },
      { file: this.#webhooks, next: webhooks },
    ];
    for (const { file, next } of updates) file.expect(next);
    const all = await Promise.all(
      updates.map(async ({ file, next }) =>
        [await file.changes(next), await file.sourceReports(next)] as const
      ),
    );
    const changes = all.flatMap(([ofFile]) => ofFile);
    const reports = all.flatMap(([, ofFile]) => ofFile);
    let left = changes.length + reports.length;
    const pace = new Pace();
    for (let start = 0; start < changes.length && !this.#stopped; start += MAX_AT_ONCE) {
      await pace.keep();
      const slice = changes.slice(start, start + MAX_AT_ONCE);
      left -= slice.length;
      if (!this.#stopped) this.#apply(slice, revision, left > 0);
    }
    await inSlices(reports, (slice) => {
      for (const { source, problem, serving } of slice) {
        if (!this.#stopped) this.#sink?.reportSource(source, problem, revision, serving, --left > 0);
      }
    }, NEVER_ENDED);
    if (this.#stopped) return;
    // Last, so that a sink that failed gets it again from the next load.
    for (const { file, next } of updates) file.commit(next);
    if (this.#revision > 0 && changes.length === 0 && reports.length === 0) return;
    this.#revision++;
    this.#logger.info("Configuration files read: changed entries: {changes}, revision {revision}", {
      changes: changes.length,
      revision,
    });
  }

  #apply(changes: readonly EntryChange[], revision: string, moreFollow: boolean): void {
    if (this.#store !== undefined) { for (const change of changes) this.#store.supersede(change); }
    this.#sink?.apply(changes.map((change) => toChange(change, revision)), moreFollow);
  }
}

function invalidState(message: string): DOMException {
  return new DOMException(message, "InvalidStateError");
}
