/**
 * The policy of namespaces in a file, in front of whatever backend has the configuration: the policy comes first, and
 * changes of it are reported like those of any other value.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { Metrics } from "../../observability/metrics.ts";
import { abortable } from "../../time/abortable.ts";
import type { ConfigChange, ConfigProvider, ConfigPut, ConfigSink, ProviderStatus } from "../provider.ts";
import { readFileContent } from "../values/json_file.ts";
import { parseConfigValue } from "../values/json_value.ts";
import { FileWatcher } from "./watch/file_watcher.ts";

/** How often the file is looked at for changes that the system did not report, in milliseconds. */
const POLL_MS = 30_000;

/** How long a change has to be over before the file is read, in milliseconds. */
const DEBOUNCE_MS = 50;

/** Where the policy is, and what it is in front of. */
export interface PolicyFileOptions {
  readonly path: string;
  /** Where the configuration comes from. Its policy, if it has one, counts for nothing. */
  readonly provider: ConfigProvider;
  readonly logger: Logger;
}

/** A provider whose policy stands in a file. Disposal closes the provider behind it as well. */
export class PolicyFileProvider implements ConfigProvider {
  readonly #path: string;
  readonly #provider: ConfigProvider;
  readonly #logger: Logger;
  readonly #watcher: FileWatcher;
  #sink: ConfigSink | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;
  /** The end of the reads so far: each begins when the one before has been applied. */
  #reads: Promise<void> = Promise.resolve();
  #revision = 0;
  /** Of what was applied last. */
  #fingerprint: string | undefined;
  readonly #stop = new AbortController();

  constructor({ path, provider, logger }: PolicyFileOptions) {
    this.#path = path;
    this.#provider = provider;
    this.#logger = logger;
    this.#watcher = new FileWatcher({
      onChange: () => this.#readInBackground(),
      debounceMs: DEBOUNCE_MS,
      logger,
    });
  }

  get backend(): ConfigProvider["backend"] {
    return this.#provider.backend;
  }

  get usingEmbeddedDefault(): boolean {
    return this.#provider.usingEmbeddedDefault === true;
  }

  async start(sink: ConfigSink, signal: AbortSignal): Promise<void> {
    this.#sink = sink;
    await abortable(this.#read(), signal);
    this.#poll = setInterval(() => this.#readInBackground(), POLL_MS);
    await this.#provider.start(withoutPolicy(sink), signal);
  }

  async completed(signal: AbortSignal): Promise<void> {
    await this.#provider.completed?.(signal);
  }

  async reload(signal: AbortSignal): Promise<void> {
    await abortable(this.#read(), signal);
    await this.#provider.reload(signal);
  }

  status(): ProviderStatus {
    return this.#provider.status();
  }

  placeOf(key: string, path: string): string | undefined {
    return key === "policy" ? this.#path : this.#provider.placeOf?.(key, path);
  }

  hadOtherValue(key: string): boolean {
    return this.#provider.hadOtherValue?.(key) === true;
  }

  registerMetrics(metrics: Metrics): void {
    this.#provider.registerMetrics?.(metrics);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#poll);
    await this.#watcher[Symbol.asyncDispose]();
    await this.#reads;
    await this.#provider[Symbol.asyncDispose]();
  }

  #readInBackground(): void {
    if (!this.#stop.signal.aborted) void this.#read();
  }

  #read(): Promise<void> {
    return this.#reads = this.#reads.then(() => this.#readNow());
  }

  /** Never throws: what is wrong with the file is a problem to report. */
  async #readNow(): Promise<void> {
    const watching = this.#watcher.follow([this.#path]);
    if (this.#revision > 0) await watching;
    else void watching.then(() => this.#readInBackground());
    const content = await readFileContent(this.#path, undefined, this.#stop.signal);
    if (this.#stop.signal.aborted) return;
    const fingerprint = "problem" in content ? JSON.stringify(content.problem) : content.fingerprint;
    if (fingerprint === this.#fingerprint) return;
    const value = "problem" in content ? content : parse(content.bytes);
    this.#revision++;
    try {
      this.#sink?.apply([{ key: { kind: "policy" }, value, revision: String(this.#revision) }]);
      // Last, so that a sink that failed gets it again from the next read.
      this.#fingerprint = fingerprint;
    } catch (error) {
      this.#logger.error("The policy of {path} could not be applied", { path: this.#path, error });
    }
  }
}

function parse(bytes: Uint8Array): ConfigPut["value"] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { problem: { code: "invalid_json", path: "", message: "The file is not valid UTF-8" } };
  }
  return parseConfigValue(text);
}

/** Takes what is configured but for the policy. */
function withoutPolicy(sink: ConfigSink): ConfigSink {
  return {
    apply(changes, moreFollow) {
      for (const change of changes) if (change.key.kind === "policy") report(change);
      sink.apply(changes.filter(({ key }) => key.kind !== "policy"), moreFollow);
    },
    reportSource: (...report) => sink.reportSource(...report),
    standing: (key) => sink.standing?.(key) ?? "served",
  };

  function report(change: ConfigChange): void {
    const problem = "deleted" in change ? undefined : IN_A_FILE;
    sink.reportSource("global/policy", problem, change.revision);
  }
}

const IN_A_FILE = {
  code: "foreign_key",
  path: "",
  message: "POLICY_FILE names the policy, so that this key counts for nothing: remove one of them",
} as const;
