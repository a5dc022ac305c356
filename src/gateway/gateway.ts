/**
 * The composition root: builds every part from the settings, starts them in order, and takes them down in
 * the reverse one.
 *
 * @module
 */

import { ClientAddressResolver } from "../auth/client_address.ts";
import { ConfigManager } from "../config/manager.ts";
import { FileConfigProvider } from "../config/file/file_provider.ts";
import type { ConfigProvider } from "../config/provider.ts";
import { Reloader } from "./reloader.ts";
import type { SecretLookup } from "../config/secrets/lookup.ts";
import { openSecrets } from "../config/secrets/sources.ts";
import type { Environment } from "../config/values/substitution.ts";
import { WebhookEntry } from "../config/entry.ts";
import { webhookPath } from "../event/names.ts";
import { Deadlines } from "../time/deadlines.ts";
import { Acceptor } from "../delivery/acceptor.ts";
import type { ChannelQueues } from "../channels/channel_queues.ts";
import { DeferredChannelQueues } from "../channels/deferred.ts";
import { Dispatcher } from "../delivery/durable/dispatcher.ts";
import { buildOutputs } from "../delivery/outputs/build.ts";
import type { OutputPool } from "../delivery/outputs/output_pool.ts";
import { mayHoldJournal, openJournal } from "./data_directory.ts";
import type { Salvaged, SqliteJournal } from "../journal/sqlite/sqlite_journal.ts";
import { adminRoutes } from "../http/routes/admin.ts";
import { BodyMemory } from "../http/webhook/body_memory.ts";
import { documentReading } from "../http/webhook/event_body.ts";
import { FailureLog } from "../http/failure_log.ts";
import { RefusalHistory } from "../http/refusal_history.ts";
import { Inflight } from "../http/inflight.ts";
import { LastRequests } from "../http/last_requests.ts";
import { WebhookMetrics } from "../http/webhook_metrics.ts";
import { relayRoutes } from "../http/routes/relay.ts";
import { Router } from "../http/router.ts";
import { listen, type ListeningServer } from "../http/server.ts";
import { statusRoutes } from "../http/routes/status.ts";
import { tracedHandler } from "../http/traced_handler.ts";
import type { OutputModule } from "../modules/module.ts";
import { outputModulesWithin } from "../modules/registry.ts";
import type { LineWriter } from "../io/line_writer.ts";
import { registerLogMetrics } from "../observability/log_metrics.ts";
import { logger } from "../observability/logging.ts";
import { openTracing, type Tracing } from "../observability/tracing.ts";
import { Metrics } from "../observability/metrics.ts";
import { registerConfigMetrics } from "../config/metrics.ts";
import { registerProcessMetrics } from "../observability/process_metrics.ts";
import { ChannelDirectory } from "../relay/channel_directory.ts";
import { channelsOf } from "./catalog_channels.ts";
import { Relay } from "../relay/relay.ts";
import type { Settings } from "../settings/settings.ts";
import { reportStop, type Stop } from "./stop_report.ts";
import { VERSION } from "../version.ts";
import { within } from "../time/within.ts";

/** How long the server, and then the outputs, may take to close once nothing is under way, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/** How long the first load waits for secrets, in milliseconds. */
const SECRETS_TIMEOUT_MS = 10_000;

/** The parts of a gateway that take time to open. */
interface OpenedParts {
  readonly journal: SqliteJournal;
  readonly provider: ConfigProvider;
  readonly secrets: SecretLookup;
  /** `undefined` while the runtime records no traces. */
  readonly tracing: Tracing | undefined;
}

/** What the process hands to its gateway. */
export interface GatewayOptions {
  readonly settings: Settings;
  /** Where `{$NAME}` references in the configuration are looked up. */
  readonly environment: Environment;
  /** Standard output, for the `log` output module. */
  readonly lines: LineWriter;
  /** How many records of the gateway's log were lost so far. */
  readonly droppedLogRecords?: () => number;
  /** The output modules that webhooks may use. @default those of the registry, within the bounds of the settings */
  readonly modules?: readonly OutputModule[];
  /** Ends a start that is not over. */
  readonly stop?: AbortSignal;
}

/** A running gateway. */
export class Gateway implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #deadlines = new Deadlines();
  readonly #metrics = new Metrics();
  readonly #webhooks: WebhookMetrics;
  readonly #inflight: Inflight;
  readonly #channels: ChannelQueues;
  readonly #outputs: OutputPool;
  readonly #journal: SqliteJournal;
  readonly #dispatcher: Dispatcher;
  readonly #secrets: SecretLookup;
  readonly #tracing: Tracing | undefined;
  readonly #manager: ConfigManager;
  readonly #provider: ConfigProvider;
  readonly #reloader: Reloader;
  readonly #relay: Relay;
  readonly #router: Router;
  readonly #refusals = new RefusalHistory();
  #failures: FailureLog | undefined;
  readonly #processMetrics: Disposable;
  readonly #stopping = new AbortController();
  #server: ListeningServer | undefined;
  #isLoaded = false;
  /** Whether what was loaded is not all that must be there, so that nothing of it may be served. */
  #isIncomplete = false;
  #ready = false;
  #draining = false;
  #closed = false;
  #stop: Stop | undefined;

  private constructor(options: GatewayOptions, parts: OpenedParts) {
    const { settings, environment, modules = outputModulesWithin(settings.outputBounds) } = options;
    const { provider, journal, secrets, tracing } = parts;
    this.#settings = settings;
    this.#provider = provider;
    this.#inflight = new Inflight(settings.limits.maxInflight, settings.limits.maxInflightBytes);
    this.#journal = journal;
    this.#secrets = secrets;
    this.#tracing = tracing;
    const { relayQueue } = settings;
    this.#channels = relayQueue === undefined
      ? journal.channels
      : new DeferredChannelQueues(() => this.#openSharedChannels(relayQueue));
    this.#outputs = this.#buildOutputs(options.lines);
    this.#webhooks = new WebhookMetrics(
      this.#metrics,
      this.#inflight,
      () => journal.stats(),
      () => this.#manager.catalog,
    );
    this.#dispatcher = this.#buildDispatcher();
    const directory = new ChannelDirectory();
    this.#manager = new ConfigManager({
      outputs: this.#outputs,
      compile: { environment, modules },
      secrets,
      warnsOfDefault: !settings.defaultWebhook,
      logger: logger("config"),
      onChange: (path) => {
        this.#dispatcher.changed(path);
        const entry = this.#manager.find(path);
        directory.set(path, channelsOf(entry));
        if (entry !== undefined) return;
        this.#refusals.forget(path);
        this.#webhooks.forget(path);
      },
    });
    this.#reloader = new Reloader(provider, this.#manager);
    this.#relay = new Relay({
      directory,
      queues: this.#channels,
      metrics: this.#metrics,
      logger: logger("relay"),
      isReady: () => this.#ready,
    });
    registerConfigMetrics(this.#metrics, this.#manager, provider);
    provider.registerMetrics?.(this.#metrics);
    registerLogMetrics(this.#metrics, options.droppedLogRecords);
    this.#processMetrics = registerProcessMetrics(this.#metrics, VERSION);
    this.#router = this.#buildRouter();
  }

  /**
   * Builds a gateway and starts it. Resolves once it listens; with the file backend, once the configuration
   * is loaded too. Requests get 503 `not_ready` with etcd until the first load, with files until those that
   * there must be can be read, and with Vault until the secrets are read.
   *
   * @throws {StartupError} when the address or the data directory cannot be used
   * @throws {DOMException} `AbortError` when it is stopped before
   */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const { settings, stop } = options;
    const gateway = new Gateway(options, {
      journal: await openJournal(settings, { waitsForOwner: true }),
      provider: await createProvider(settings),
      secrets: await openSecrets(settings),
      tracing: await openTracing(),
    });
    try {
      // Reading files takes no time worth a 503; etcd or Vault may be away for long, and /livez must answer.
      if (gateway.#provider.backend === "file") await gateway.#load(stop);
      const waits = !gateway.#isLoaded || gateway.#isIncomplete || gateway.#waitsForVault;
      if (!waits) await gateway.#becomeReady();
      stop?.throwIfAborted();
      gateway.#listen();
      if (!gateway.#ready) gateway.#becomeReadyInBackground();
      return gateway;
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The port that the gateway listens on. */
  get port(): number {
    return this.#server?.port ?? this.#settings.port;
  }

  /** Looks for changed configuration now. */
  async reload(): Promise<void> {
    await this.#reloader.reload(this.#stopping.signal);
  }

  /**
   * Prepares for the end: says "not ready" and serves on until no request has come for 2 s, at most for the
   * grace period, so that load balancers look elsewhere; then takes no connection any more, and waits for the
   * requests under way. Disposal then says in the log how it ended and what is left.
   *
   * @param graceMs instead of that of the settings, in milliseconds
   */
  async drain(graceMs: number = this.#settings.shutdown.graceMs): Promise<void> {
    const drainedAt = performance.now();
    const requests = new LastRequests();
    this.#draining = true;
    this.#router.expectLast(requests);
    logger("gateway").info("Draining: serving on for up to {graceMs} ms", { graceMs });
    const hadEnded = await requests.ended(graceMs);
    // Connectors connect to another instance, or to this one when it is back.
    await this.#relay[Symbol.asyncDispose]();
    this.#stop = {
      drainedAt,
      reason: hadEnded ? "no requests came any more" : "the time to serve on was over",
      cutRequests: await this.#finishRequests(requests),
      cutDeliveries: await this.#finishDeliveries(),
    };
  }

  /** Takes no connection any more and waits for the requests under way. Returns how many were cut off. */
  async #finishRequests(requests: LastRequests): Promise<number> {
    const timeout = AbortSignal.timeout(this.#settings.shutdown.timeoutMs);
    await this.#inflight.bodiesRead(timeout);
    const closed = this.#server?.close();
    requests.release();
    const idle = await this.#inflight.idle(timeout);
    if (idle && closed !== undefined) await within(CLOSE_TIMEOUT_MS, closed);
    this.#closed = true;
    const count = this.#inflight.requests;
    if (count > 0) logger("gateway").warning("{count} requests were cut off", { count });
    return count;
  }

  /** Waits for the deliveries under way. Returns how many were cut off. */
  async #finishDeliveries(): Promise<number> {
    if (await this.#dispatcher.drain(AbortSignal.timeout(this.#settings.shutdown.timeoutMs))) return 0;
    const count = this.#dispatcher.underWay;
    logger("gateway").warning("{count} deliveries were cut off: they are made again at the next start", {
      count,
    });
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#stopping.abort();
    await within(CLOSE_TIMEOUT_MS, this.#relay[Symbol.asyncDispose]());
    // An answer that never ends must not keep the process: the sender gets a broken connection instead.
    if (this.#server !== undefined) await within(CLOSE_TIMEOUT_MS, this.#server[Symbol.asyncDispose]());
    await this.#provider[Symbol.asyncDispose]();
    await this.#dispatcher.drain(AbortSignal.abort());
    await within(CLOSE_TIMEOUT_MS, this.#manager.close());
    await within(CLOSE_TIMEOUT_MS, this.#secrets[Symbol.asyncDispose]());
    await within(CLOSE_TIMEOUT_MS, this.#outputs[Symbol.asyncDispose]());
    await within(CLOSE_TIMEOUT_MS, this.#channels[Symbol.asyncDispose]());
    const { pending } = this.#journal.stats();
    await this.#journal[Symbol.asyncDispose]();
    this.#deadlines[Symbol.dispose]();
    this.#processMetrics[Symbol.dispose]();
    this.#failures?.[Symbol.dispose]();
    if (this.#stop !== undefined) reportStop(logger("gateway"), this.#stop, pending);
  }

  #buildOutputs(lines: LineWriter): OutputPool {
    return buildOutputs({
      deadlines: this.#deadlines,
      metrics: this.#metrics,
      context: { lines, channels: this.#channels },
      deliveryBudgetMs: this.#settings.limits.deliveryBudgetMs,
      freeRequests: () => this.#inflight.freeRequests,
      tracing: this.#tracing,
    });
  }

  #buildDispatcher(): Dispatcher {
    return new Dispatcher({
      journal: this.#journal,
      lookUp: ({ namespace, webhook }) => {
        const entry = this.#manager.find(webhookPath(namespace, webhook));
        if (entry === undefined) return "missing";
        return entry instanceof WebhookEntry ? entry : "blocked";
      },
      deadlines: this.#deadlines,
      metrics: this.#webhooks.events,
      logger: logger("delivery"),
    });
  }

  async #openSharedChannels(url: string): Promise<ChannelQueues> {
    const { RedisChannelQueues } = await import("../channels/redis/redis_channel_queues.ts");
    return await RedisChannelQueues.open({
      url,
      deadLetters: this.#journal.deadLetters,
      logger: logger("relay"),
    });
  }

  #buildRouter(): Router {
    const { limits, trustedProxies, defaultNamespace, adminToken, metrics, requestIdHeader } = this.#settings;
    const clientAddress = new ClientAddressResolver(trustedProxies);
    const failures = this.#failures = new FailureLog(logger("http"), this.#refusals, clientAddress);
    const isReady = () => this.#ready;
    const webhooks = {
      find: (path: string) => this.#isIncomplete ? undefined : this.#manager.find(path),
      isReady,
      defaultWebhook: this.#settings.defaultWebhook,
      isClosed: () => this.#closed,
      bodyLimits: { maxBytes: limits.maxBodyBytes, timeoutMs: limits.bodyTimeoutMs },
      inflight: this.#inflight,
      bodyMemory: new BodyMemory(this.#deadlines),
      documents: documentReading(limits, this.#deadlines),
      acceptor: new Acceptor({
        dispatcher: this.#dispatcher,
        journal: this.#journal,
        deadlines: this.#deadlines,
        logger: logger("delivery"),
      }),
      deadlines: this.#deadlines,
      metrics: this.#webhooks.requests,
      failures,
      clientAddress,
      namesAccepted: requestIdHeader === "always",
      tracing: this.#tracing,
    };
    const routes = [
      ...statusRoutes({
        provider: () => this.#provider.status(),
        isReady,
        isDraining: () => this.#draining,
        vault: this.#secrets.vaultStatus,
        journalProblem: () => this.#journal.problem,
        unreadyWhenDegraded: this.#settings.degraded.isUnready,
        metrics: metrics ? this.#metrics : undefined,
      }),
      ...adminRoutes({
        token: adminToken,
        metrics: this.#metrics,
        manager: this.#manager,
        provider: this.#provider,
        vault: this.#secrets.vaultStatus,
        reload: (signal) => this.#reloader.reload(signal),
        inflight: this.#inflight,
        outputs: () => this.#outputs.hosts(),
        deadLetters: {
          letters: this.#journal.deadLetters,
          onReplay: () => this.#dispatcher.recover(),
        },
        journal: {
          hold: () => this.#journal.hold(),
          release: (hold) => this.#journal.release(hold),
          salvage: (name) => this.#salvage(name),
        },
        webhooks: {
          catalog: this.#manager.catalog,
          requests: this.#webhooks.requests,
          refusals: this.#refusals,
        },
        startedAt: performance.now(),
      }),
      ...relayRoutes(this.#relay, { inflight: this.#inflight, bodyTimeoutMs: limits.bodyTimeoutMs }),
    ];
    return new Router({ webhooks, defaultNamespace, routes, failures });
  }

  async #salvage(name: string): Promise<Salvaged> {
    try {
      return await this.#journal.salvageSetAside(name);
    } finally {
      await this.#dispatcher.recover();
    }
  }

  async #load(stop?: AbortSignal): Promise<void> {
    const { signal } = this.#stopping;
    await this.#provider.start(this.#manager, stop === undefined ? signal : AbortSignal.any([signal, stop]));
    this.#isLoaded = true;
    this.#isIncomplete = this.#provider.status().missing !== undefined;
  }

  async #complete(): Promise<void> {
    logger("config").error(
      "Not ready, and webhooks answer 503, until the configuration is complete: {missing}",
      { missing: this.#provider.status().missing },
    );
    await this.#provider.completed?.(this.#stopping.signal);
    this.#isIncomplete = false;
  }

  get #waitsForVault(): boolean {
    return this.#settings.vault !== undefined && this.#manager.waitsForSecrets;
  }

  async #becomeReady(): Promise<void> {
    if (!this.#isLoaded) await this.#load();
    if (this.#isIncomplete) await this.#complete();
    await this.#waitForSecrets();
    this.#ready = true;
    // What an earlier process accepted and did not deliver is taken up; a first journal begins with its first event.
    if (await mayHoldJournal(this.#settings)) await this.#dispatcher.start();
    logger("config").info("Serving {webhooks} webhooks and {connections} connections", this.#manager.size);
  }

  /** Webhooks without their secrets answer 503 by themselves: the others need not wait for ever. */
  async #waitForSecrets(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      await this.#manager.secretsSettled(AbortSignal.any([signal, AbortSignal.timeout(SECRETS_TIMEOUT_MS)]));
    } catch (error) {
      signal.throwIfAborted();
      logger("config").warning("Not all secrets were read in time: webhooks that need them answer 503", {
        error,
      });
    }
  }

  #becomeReadyInBackground(): void {
    this.#becomeReady().catch((error) => {
      if (!this.#stopping.signal.aborted) {
        logger("config").error("Loading the configuration failed", { error });
      }
    });
  }

  #listen(): void {
    const { host, port, limits: { maxConnections } } = this.#settings;
    const handler = tracedHandler(this.#router, this.#tracing);
    const shared = { metrics: this.#metrics, inflight: this.#inflight, logger: logger("http") };
    this.#server = listen({ host, port, handler, maxConnections, ...shared });
    logger("gateway").info("Listening on http://{host}:{port}", { host, port: this.port, version: VERSION });
    if (this.#provider instanceof FileConfigProvider && this.#provider.usingEmbeddedDefault) {
      logger("gateway").warning(
        "No configuration found, so there is one webhook that prints what it gets. Try: {command}",
        { command: `curl -X POST http://localhost:${this.port}/webhook/default -d '{"hello":"world"}'` },
      );
    }
  }
}

/** The provider of the configured backend. The etcd client is loaded only where it is used. */
export async function createProvider(settings: Settings): Promise<ConfigProvider> {
  if (settings.configBackend === "file") {
    return new FileConfigProvider({
      webhooksFile: settings.files.webhooks,
      connectionsFile: settings.files.connections,
      named: settings.files.named,
      defaultNamespace: settings.defaultNamespace,
      logger: logger("config"),
    });
  }
  const { EtcdConfigProvider } = await import("../config/etcd/etcd_provider.ts");
  const { etcd, degraded, snapshotFile } = settings;
  return new EtcdConfigProvider({
    ...etcd,
    degradedAfterMs: degraded.afterMs,
    ...(snapshotFile === undefined ? {} : { snapshotFile }),
    logger: logger("etcd"),
  });
}
