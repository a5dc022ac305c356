/**
 * The parts of a gateway, built from the settings in the order in which they need each other.
 *
 * @module
 */

import { AuditTrail } from "../access/audit_trail.ts";
import type { Caller } from "../access/caller.ts";
import { Callers } from "../access/callers.ts";
import { HandshakeRegistry } from "../auth/challenges/handshake_registry.ts";
import { ClientCertificates } from "../auth/client_certificate/client_certificates.ts";
import { ClientAddressResolver } from "../auth/client_address.ts";
import { PublicUrlResolver } from "../auth/public_url.ts";
import { AuthServers } from "../auth/servers/auth_servers.ts";
import { ConfigManager } from "../config/manager.ts";
import type { ConfigProvider } from "../config/provider.ts";
import { Reloader } from "./reloader.ts";
import type { SecretLookup } from "../config/secrets/lookup.ts";
import type { Environment } from "../config/values/substitution.ts";
import { switchOffPolicyOf } from "../config/compile/delivery_compiler.ts";
import { WebhookEntry } from "../config/entry.ts";
import { webhookPath } from "../event/names.ts";
import type { Health } from "../health/health.ts";
import { Deadlines } from "../time/deadlines.ts";
import { Acceptor } from "../delivery/acceptor.ts";
import type { ChannelQueues } from "../channels/channel_queues.ts";
import { DeferredChannelQueues } from "../channels/deferred.ts";
import { DeadLetterReports } from "../dead_letters/reports.ts";
import { Stops } from "../delivery/stops/stops.ts";
import { WaitingLooks } from "../delivery/durable/waiting_events.ts";
import { Dispatcher } from "../delivery/durable/dispatcher.ts";
import { buildOutputs } from "../delivery/outputs/build.ts";
import type { OutputPool } from "../delivery/outputs/output_pool.ts";
import type { JournalStore } from "../journal/journal_store.ts";
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { adminRoutes, consoleRoutes } from "../http/routes/admin.ts";
import type { HealthSource } from "../http/routes/health/health.ts";
import { descriptionRoute } from "../http/routes/api/openapi.ts";
import { AdminGuard } from "../http/routes/access/guard.ts";
import { View } from "../http/routes/access/view.ts";
import type { Statistics } from "../http/statistics/statistics.ts";
import { statisticsFor, statisticsRoutes } from "./statistics.ts";
import { BodyMemory } from "../io/memory/body_memory.ts";
import { documentReading } from "../http/webhook/event_body.ts";
import type { ExchangeContext } from "../http/webhook/exchange.ts";
import { type EventLog, openEventLog } from "../event_log/event_log.ts";
import { FailureLog } from "../http/failure_log.ts";
import { generalCors } from "../rules/cors.ts";
import { lowerRate } from "../time/rate.ts";
import { NamespaceRates } from "../rules/rate_limit.ts";
import { SharedRates } from "../rules/shared_rates.ts";
import { RefusalHistory } from "../http/refusal_history.ts";
import { InFlight } from "../http/in_flight.ts";
import { WebhookMetrics } from "../http/webhook_metrics.ts";
import { pullRoutes } from "../http/routes/pull.ts";
import { relayRoutes } from "../http/routes/relay.ts";
import { type Route, Router } from "../http/router.ts";
import { statusRoutes } from "../http/routes/status.ts";
import type { OutputModule } from "../modules/module.ts";
import { outputModulesWithin } from "../modules/registry.ts";
import { MissedWebhooks } from "../health/missed_webhooks.ts";
import { SecretMismatches } from "../health/secret_mismatches.ts";
import type { LineWriter } from "../io/line_writer.ts";
import { registerLogMetrics } from "../observability/log_metrics.ts";
import { logger } from "../observability/logging.ts";
import type { Tracing } from "../observability/tracing.ts";
import { Metrics } from "../observability/metrics.ts";
import { registerConfigMetrics } from "../config/metrics.ts";
import { registerProcessMetrics } from "../observability/process_metrics.ts";
import { ChannelDirectory } from "../relay/channel_directory.ts";
import { Notifier } from "../notices/notifier.ts";
import { journalFileOf, registerClusterMetrics } from "./journal_parts.ts";
import { noticeTargetOf } from "./notices.ts";
import { channelsOf } from "./catalog_channels.ts";
import { Relay } from "../relay/relay.ts";
import type { Settings } from "../settings/settings.ts";
import { VERSION } from "../version.ts";
import { UnservedKeys } from "./unserved_keys.ts";
import { openSharedChannels } from "./backends.ts";
import { instanceName } from "./shared_port.ts";

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
  /** What verifiers ask; the gateway closes it. @default the servers at the addresses that the system knows */
  readonly authServers?: AuthServers;
  /** Ends a start that is not over. */
  readonly stop?: AbortSignal;
  /** Called once, when it listens and is ready. */
  readonly onReady?: () => void;
}

/** The parts of a gateway that take time to open. */
export interface OpenedParts {
  /** Where they have reported to since they were opened. */
  readonly health: Health;
  readonly journal: JournalStore;
  readonly provider: ConfigProvider;
  readonly secrets: SecretLookup;
  /** `undefined` while the runtime records no traces. */
  readonly tracing: Tracing | undefined;
}

/** Where the gateway stands in its life, as its parts ask for it at any time. */
export interface GatewayLife {
  readonly isReady: boolean;
  /** Whether what was loaded is not all that must be there, so that nothing of it may be served. */
  readonly isIncomplete: boolean;
  readonly isDraining: boolean;
  /** Whether no request is taken any more. */
  readonly isClosed: boolean;
}

/** All parts of one gateway. Whoever builds them starts them and closes them. */
export class GatewayParts {
  readonly deadlines = new Deadlines();
  readonly #bodyMemory = new BodyMemory(this.deadlines);
  readonly metrics = new Metrics();
  readonly health: Health;
  readonly audit = new AuditTrail(logger("audit"));
  readonly refusals = new RefusalHistory();
  readonly statistics: Statistics | undefined;
  readonly webhooks: WebhookMetrics;
  readonly inFlight: InFlight;
  readonly channels: ChannelQueues;
  readonly outputs: OutputPool;
  readonly journal: JournalStore;
  readonly stops: Stops;
  readonly dispatcher: Dispatcher;
  readonly acceptor: Acceptor;
  readonly eventLog: EventLog | undefined;
  readonly secrets: SecretLookup;
  readonly tracing: Tracing | undefined;
  readonly manager: ConfigManager;
  readonly provider: ConfigProvider;
  readonly reloader: Reloader;
  readonly relay: Relay;
  readonly mismatches: SecretMismatches;
  readonly missed: MissedWebhooks;
  readonly failures: FailureLog;
  readonly router: Router;
  readonly processMetrics: Disposable;
  readonly handshakes: HandshakeRegistry;
  readonly authServers: AuthServers;
  readonly callers: Callers;
  /** `undefined` where no other gateway counts the same rates. */
  readonly sharedRates: SharedRates | undefined;
  readonly #unserved: UnservedKeys;
  readonly #options: GatewayOptions;
  readonly #settings: Settings;
  readonly #life: GatewayLife;
  readonly #clientAddress: ClientAddressResolver;
  readonly #adminGuard: AdminGuard;
  /** `undefined` where nobody gets notices. */
  #notifier: Notifier | undefined;
  readonly #waiting: WaitingLooks;
  /** `undefined` before the health is followed. */
  #deadLetters: DeadLetterReports | undefined;

  constructor(options: GatewayOptions, opened: OpenedParts, life: GatewayLife) {
    const { settings } = options;
    this.#options = options;
    this.#settings = settings;
    this.#life = life;
    this.health = opened.health;
    this.provider = opened.provider;
    this.authServers = options.authServers ??
      new AuthServers({ metrics: this.metrics, traces: opened.tracing?.requests });
    this.journal = opened.journal;
    this.sharedRates = this.journal.rates && new SharedRates(this.journal.rates);
    this.handshakes = new HandshakeRegistry(this.journal.handshakes, logger("auth"));
    this.secrets = opened.secrets;
    this.tracing = opened.tracing;
    this.#clientAddress = new ClientAddressResolver(settings.trustedProxies);
    this.callers = new Callers(settings.adminToken, settings.adminTokensFile !== undefined);
    this.#adminGuard = new AdminGuard({
      callers: this.callers,
      clientAddress: this.#clientAddress,
      metrics: this.metrics,
      audit: this.audit,
    });
    this.inFlight = new InFlight(settings.limits.maxInFlight, settings.limits.maxInFlightBytes);
    this.channels = this.#buildChannels();
    this.stops = this.#buildStops();
    this.outputs = this.#buildOutputs(options.lines);
    this.statistics = statisticsFor(options, this.journal.keptValues, (path) => this.manager.find(path));
    this.webhooks = new WebhookMetrics(
      this.metrics,
      this.inFlight,
      () => this.journal.stats(),
      () => this.manager.catalog,
      settings.metricsWebhooks,
      this.statistics,
    );
    this.mismatches = new SecretMismatches({
      health: this.health,
      deadlines: this.deadlines,
      admitted: (path) => this.webhooks.requests.admitted(path),
    });
    this.missed = new MissedWebhooks({
      health: this.health,
      deadlines: this.deadlines,
      paths: () => this.manager.catalog.paths(),
      distance: levenshteinDistance,
    });
    this.dispatcher = this.#buildDispatcher();
    const { eventLog } = settings;
    this.eventLog = eventLog && openEventLog(eventLog, this);
    this.acceptor = new Acceptor({
      dispatcher: this.dispatcher,
      journal: this.journal,
      deadlines: this.deadlines,
      logger: logger("delivery"),
      stops: this.stops,
      longestTurnMs: settings.limits.deliveryBudgetMs / 2,
      eventLog: this.eventLog,
    });
    const directory = new ChannelDirectory();
    this.manager = this.#buildManager(options, directory);
    this.reloader = new Reloader(this.provider, this.manager);
    this.#unserved = new UnservedKeys(this.manager.catalog, this.provider);
    this.relay = this.#buildRelay(directory);
    const onMismatch = (path: string) => this.mismatches.note(path);
    this.failures = new FailureLog(logger("http"), this.refusals, this.#clientAddress, onMismatch);
    this.stops.registerMetrics(
      this.metrics,
      ({ namespace, webhook }) => this.manager.find(webhookPath(namespace, webhook)) !== undefined,
      this.webhooks.names,
    );
    this.#waiting = new WaitingLooks(this.journal.records, () => this.dispatcher.waiting());
    this.webhooks.events.showWaiting(
      this.metrics,
      () => this.#waiting.read(),
      () => this.#deadLetters?.counts ?? [],
    );
    registerClusterMetrics(this.metrics, this.journal);
    registerConfigMetrics(this.metrics, this.manager, this.provider);
    this.provider.registerMetrics?.(this.metrics);
    registerLogMetrics(this.metrics, options.droppedLogRecords);
    this.processMetrics = registerProcessMetrics(this.metrics, VERSION);
    this.router = this.#buildRouter();
  }

  #buildChannels(): ChannelQueues {
    const { relayQueue } = this.#settings;
    if (relayQueue === undefined) return this.journal.channels;
    return new DeferredChannelQueues(() => openSharedChannels(relayQueue, this.journal.deadLetters));
  }

  #buildOutputs(lines: LineWriter): OutputPool {
    return buildOutputs({
      deadlines: this.deadlines,
      metrics: this.metrics,
      context: { lines, channels: this.channels },
      health: this.health,
      deliveryBudgetMs: this.#settings.limits.deliveryBudgetMs,
      onSenderFailed: ({ namespace, webhook }, error) =>
        this.stops.failed(webhookPath(namespace, webhook), error),
      freeRequests: () => this.inFlight.freeRequests,
      tracing: this.tracing,
    });
  }

  #buildStops(): Stops {
    const { switchOffAfterMs: afterMs } = this.#settings.limits;
    return new Stops({
      store: this.journal.stops,
      deadlines: this.deadlines,
      health: this.health,
      logger: logger("delivery"),
      policyOf: (path) => switchOffPolicyOf(this.manager.find(path)?.webhook, afterMs),
    });
  }

  #buildDispatcher(): Dispatcher {
    return new Dispatcher({
      journal: this.journal,
      lookUp: ({ namespace, webhook }) => {
        const entry = this.manager.find(webhookPath(namespace, webhook));
        return entry === undefined ? "missing" : entry instanceof WebhookEntry ? entry : "blocked";
      },
      deadlines: this.deadlines,
      stops: this.stops,
      metrics: this.webhooks.events,
      logger: logger("delivery"),
      memoryBytes: this.#settings.limits.maxInFlightBytes / 2,
      bodyMemory: this.#bodyMemory,
    });
  }

  #buildManager(options: GatewayOptions, directory: ChannelDirectory): ConfigManager {
    const { settings, environment, modules = outputModulesWithin(settings.outputBounds) } = options;
    const manager: ConfigManager = new ConfigManager({
      outputs: this.outputs,
      compile: {
        environment,
        modules,
        auth: settings.auth,
        corsOrigins: settings.corsOrigins,
        filterReports: this.webhooks.filters,
      },
      secrets: this.secrets,
      warnsOfDefault: !settings.defaultWebhook,
      notifyWebhook: settings.notifyWebhook,
      health: this.health,
      logger: logger("config"),
      audit: this.audit,
      placeOf: (key, path) => this.provider.placeOf?.(key, path),
      onChange: (path, removedAt) => {
        this.dispatcher.changed(path);
        const entry = manager.find(path);
        directory.set(path, channelsOf(entry));
        this.webhooks.changed(path, entry);
        this.stops.configured(path, entry !== undefined);
        if (entry?.webhook?.handshake === "settled") void this.handshakes.settle(path);
        if (path === settings.notifyWebhook) this.#notifier?.lookAgain();
        if (entry !== undefined) return this.missed.found(path);
        this.missed.removed(path, removedAt);
        this.refusals.forget(path);
        this.mismatches.forget(path);
        this.health.forget({ part: "webhook", name: path });
      },
    });
    return manager;
  }

  /** Begins to count dead letters and to give notices, until what is returned is disposed of. To be called once. */
  followHealth(): AsyncDisposable {
    const followers = new AsyncDisposableStack();
    followers.use(this.#waiting);
    this.#deadLetters = followers.use(new DeadLetterReports(this.journal, this.health));
    const { notifyWebhook } = this.#settings;
    if (notifyWebhook !== undefined) this.#notifier = followers.use(this.#startNotifier(notifyWebhook));
    return followers;
  }

  /** The first configuration is loaded: there may be a webhook that takes notices. */
  giveNotices(): void {
    this.#notifier?.lookAgain();
  }

  #startNotifier(webhook: string): Notifier {
    const target = () => noticeTargetOf(this.manager.find(webhook), this.acceptor);
    return new Notifier({
      health: this.health,
      webhook,
      target: () => this.#life.isReady ? target() : undefined,
      metrics: this.metrics,
      logger: logger("notices"),
      gateway: instanceName(this.#settings, this.#options.environment),
    });
  }

  #buildRelay(directory: ChannelDirectory): Relay {
    return new Relay({
      directory,
      queues: this.channels,
      metrics: this.metrics,
      logger: logger("relay"),
      isReady: () => this.#life.isReady,
      health: this.#settings.relayQueue === undefined ? this.health : undefined,
      // The other half is for webhooks.
      mostPolls: Math.ceil((this.#settings.limits.maxConnections ?? Infinity) / 2),
    });
  }

  #buildRouter(): Router {
    const { defaultNamespace } = this.#settings;
    const described = [
      ...this.#statusRoutes(),
      ...statisticsRoutes(this.#settings, this.statistics, this.#adminGuard),
      ...this.#adminRoutes(),
      ...this.#relayRoutes(),
    ];
    const routes = [...described, descriptionRoute(described), ...consoleRoutes(this.#adminGuard)];
    const webhooks = this.#exchangeContext();
    return new Router({ webhooks, defaultNamespace, routes, failures: this.failures });
  }

  #exchangeContext(): ExchangeContext {
    const { limits, requestIdHeader } = this.#settings;
    const { manager } = this;
    const rates = new NamespaceRates((namespace) =>
      lowerRate(limits.namespaceRate, manager.policy.rateOf(namespace))
    );
    return {
      find: (path) => this.#life.isIncomplete ? undefined : this.manager.find(path),
      isReady: () => this.#life.isReady,
      defaultWebhook: this.#settings.defaultWebhook,
      isClosed: () => this.#life.isClosed,
      bodyLimits: { maxBytes: limits.maxBodyBytes, timeoutMs: limits.bodyTimeoutMs },
      inFlight: this.inFlight,
      get namespaceRates() {
        return limits.namespaceRate !== undefined || manager.policy.hasRates ? rates : undefined;
      },
      sharedRates: this.sharedRates,
      bodyMemory: this.#bodyMemory,
      documents: documentReading(limits, this.deadlines),
      acceptor: this.acceptor,
      deadlines: this.deadlines,
      metrics: this.webhooks.requests,
      filterReports: this.webhooks.filters,
      failures: this.failures,
      cors: generalCors(this.#settings.corsOrigins),
      clientAddress: this.#clientAddress,
      publicUrls: new PublicUrlResolver(this.#settings.publicUrl, this.#clientAddress),
      clientCertificates: new ClientCertificates(this.#settings.auth.clientCertificates, this.#clientAddress),
      authServers: this.authServers,
      handshakes: this.handshakes,
      onMissed: (path) => this.missed.note(path),
      namesAccepted: requestIdHeader === "always",
      tracing: this.tracing,
    };
  }

  #statusRoutes(): readonly Route[] {
    return statusRoutes({
      provider: () => this.provider.status(),
      isReady: () => this.#life.isReady,
      isDraining: () => this.#life.isDraining,
      vault: this.secrets.vaultStatus,
      journalProblem: () => this.journal.problem,
      unserved: () => this.#unserved.find().count,
      isClosed: () => this.manager.policy.isClosed,
      health: this.#healthSource(),
      viewOf: (request, info) => this.#adminGuard.ifKnown(request, info, (caller) => this.#viewOf(caller)),
      unreadyWhenDegraded: this.#settings.degraded.isUnready,
      metrics: this.#settings.metrics ? this.metrics : undefined,
      metricsReader: this.#adminGuard.metricsReader(this.#settings.metricsToken),
    });
  }

  #viewOf(caller: Caller): Promise<View> {
    return View.of(caller, {
      manager: this.manager,
      channelsOf: (entry) => channelsOf(entry).map(({ channel }) => channel),
    });
  }

  #healthSource(): HealthSource {
    return { health: this.health, catalog: this.manager.catalog, channelsOf };
  }

  #adminRoutes(): readonly Route[] {
    return adminRoutes({
      guard: this.#adminGuard.guard,
      viewOf: ({ caller }) => this.#viewOf(caller),
      manager: this.manager,
      provider: this.provider,
      vault: this.secrets.vaultStatus,
      unserved: () => this.#unserved.find(),
      reload: (signal) => this.reloader.reload(signal),
      inFlight: this.inFlight,
      outputs: () => this.outputs.hosts(),
      deadLetters: {
        letters: this.journal.deadLetters,
        onReplay: () => this.dispatcher.recover(),
      },
      requests: { noted: this.webhooks.requests, refusals: this.refusals, since: Date.now() },
      tests: { find: (path) => this.manager.find(path), send: (...test) => this.router.sendTest(...test) },
      relay: this.relay,
      events: {
        records: this.journal.records,
        catalog: this.manager.catalog,
        retries: this.dispatcher,
        onReplay: () => this.dispatcher.recover(),
      },
      journal: {
        maxBytes: this.#settings.journal.maxBytes,
        stats: () => this.journal.stats(),
        file: journalFileOf(this.journal, () => this.dispatcher.recover()),
      },
      handshakes: { registry: this.handshakes, catalog: this.manager.catalog },
      health: this.#healthSource(),
      stops: { stops: this.stops, catalog: this.manager.catalog },
      webhooks: {
        catalog: this.manager.catalog,
        stops: this.stops,
        requests: this.webhooks.requests,
        refusals: this.refusals,
        provider: this.provider,
      },
      trail: this.audit,
      startedAt: performance.now(),
    });
  }

  #relayRoutes(): readonly Route[] {
    const bounds = { inFlight: this.inFlight, bodyTimeoutMs: this.#settings.limits.bodyTimeoutMs };
    return [...relayRoutes(this.relay, bounds, this.#clientAddress), ...pullRoutes(this.relay, bounds)];
  }
}
