/**
 * The life of a gateway: starts its parts in order, and takes them down in the reverse one.
 *
 * @module
 */

import type { TokenEntry } from "../access/token_file.ts";
import { ownFiles } from "../io/own_files/own_files.ts";
import { openSecrets } from "../config/secrets/sources.ts";
import { createProvider, mayHoldJournal, openJournal } from "./backends.ts";
import { Health } from "../health/health.ts";
import { LastRequests } from "../http/last_requests.ts";
import { listen, type ListeningServer } from "../http/server.ts";
import { tracedHandler } from "../http/traced_handler.ts";
import { logger } from "../observability/logging.ts";
import type { UsablePair } from "../io/server/certificate_files.ts";
import { listenersAt } from "../io/server/connection_table.ts";
import { acceptFailures } from "../io/server/lasting_server.ts";
import { openTracing } from "../observability/tracing.ts";
import type { Settings } from "../settings/settings.ts";
import type { TlsSettings } from "../settings/tls.ts";
import { AdminTokens, readFirstTokens } from "./admin_tokens.ts";
import { Certificate, readFirstCertificate } from "./certificate.ts";
import { ClosingTurn, describeOwnState, instanceName } from "./shared_port.ts";
import { reportStop, type Stop } from "./stop_report.ts";
import { VERSION } from "../version.ts";
import { abortable } from "../time/abortable.ts";
import { within } from "../time/within.ts";
import { type GatewayOptions, GatewayParts, type OpenedParts } from "./wiring.ts";

/** How long the server, and then the outputs, may take to close once nothing is under way, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/** Webhooks without authentication that are named at the start. */
const LISTED_WEBHOOKS = 10;

/** How often a gateway that ends looks whether its journal is empty, in milliseconds. */
const EMPTY_LOOK_MS = 50;

/** Why a listener was closed that others go on with. */
const HANDED_OVER = "the others on the port take its connections";

/** How long the first load waits for secrets, in milliseconds. */
const SECRETS_TIMEOUT_MS = 10_000;

/** A running gateway. */
export class Gateway implements AsyncDisposable {
  /** Keeps what webhooks name from being the gateway's own files. */
  readonly #fileGuard: Disposable;
  readonly #settings: Settings;
  readonly #parts: GatewayParts;
  readonly #life = { isReady: false, isIncomplete: false, isDraining: false, isClosed: false };
  readonly #stopping = new AbortController();
  /** What follows the health of the parts. */
  readonly #health: AsyncDisposable;
  #server: ListeningServer | undefined;
  /** At the port of this instance alone. */
  #ownServer: ListeningServer | undefined;
  #certificate: Certificate | undefined;
  #adminTokens: AdminTokens | undefined;
  #isLoaded = false;
  #stop: Stop | undefined;

  private constructor(options: GatewayOptions, opened: OpenedParts) {
    this.#settings = options.settings;
    this.#fileGuard = ownFiles.guard(options.settings.secrets.ownFiles);
    this.#parts = new GatewayParts(options, opened, this.#life);
    this.#health = this.#parts.followHealth();
  }

  /**
   * Builds a gateway and starts it. Resolves once it listens; with the file backend, once the configuration
   * is loaded too. Requests get 503 `not_ready` with etcd until the first load, with files until those that
   * there must be can be read, and with Vault until the secrets are read. Where others listen at the address, it listens
   * once it is ready: until then, they answer.
   *
   * @throws {StartupError} when the address, the certificate or the data directory cannot be used
   * @throws {DOMException} `AbortError` when it is stopped before
   */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const { settings, stop = new AbortController().signal } = options;
    const { tls } = settings;
    const pair = tls === undefined ? undefined : await readFirstCertificate(tls, logger("gateway"));
    const tokens = settings.adminTokensFile === undefined
      ? undefined
      : await readFirstTokens(settings.adminTokensFile);
    const health = new Health();
    const gateway = new Gateway(options, {
      health,
      // Of instances that share a port, one on another's data directory would refuse its part of the events.
      journal: await openJournal(settings, {
        waitsForOwner: !settings.sharesPort,
        opensAtOnce: settings.sharesPort,
        health,
        name: instanceName(settings, options.environment),
      }),
      provider: await createProvider(settings, { health, keepsSnapshot: true }),
      secrets: await openSecrets(settings),
      tracing: await openTracing(),
    });
    try {
      if (tokens !== undefined) gateway.#followAdminTokens(settings.adminTokensFile!, tokens);
      // Reading files takes no time worth a 503; etcd or Vault may be away for long, and /livez must answer.
      if (gateway.#parts.provider.backend === "file") await gateway.#load(stop);
      const waits = !gateway.#isLoaded || gateway.#life.isIncomplete || gateway.#waitsForVault;
      const othersAnswer = settings.sharesPort && listenersAt(settings.host, settings.port) > 0;
      if (!waits || othersAnswer) await abortable(gateway.#becomeReady(), stop);
      stop.throwIfAborted();
      gateway.#listen(pair);
      if (gateway.#life.isReady) options.onReady?.();
      else gateway.#becomeReadyInBackground(options.onReady);
      return gateway;
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The port that the gateway listens on, which others may share. */
  get port(): number {
    return this.#server?.port ?? this.#settings.port;
  }

  /** Looks for changed configuration now. */
  async reload(): Promise<void> {
    this.#certificate?.lookNow();
    this.#adminTokens?.lookNow();
    await this.#parts.reloader.reload(this.#stopping.signal);
  }

  /**
   * Prepares for the end: says "not ready" and serves on until no request has come for 2 s, at most for the
   * grace period, so that load balancers look elsewhere; then takes no connection any more, and waits for the
   * requests under way. Where others listen at the address, nobody has to look elsewhere: it stays ready, and takes no
   * connection any more after seconds. It then delivers what stands in its journal for the rest of the time. Disposal
   * then says in the log how it ended and what is left.
   *
   * @param graceMs instead of that of the settings, in milliseconds
   */
  async drain(graceMs: number = this.#settings.shutdown.graceMs): Promise<void> {
    const drainedAt = performance.now();
    const requests = new LastRequests();
    this.#parts.router.expectLast(requests);
    this.#parts.relay.pull.answerAll();
    const turn = this.#server && await ClosingTurn.take(this.#server, requests, graceMs);
    // What is left in a journal that all have is delivered by the others at once.
    const isShared = this.#settings.journal.postgres !== undefined;
    const restMs = () => Math.max(0, drainedAt + graceMs - performance.now());
    const reason = turn === undefined ? await this.#serveOn(requests, restMs()) : HANDED_OVER;
    // Connectors connect to another instance, or to this one when it is back.
    await this.#parts.relay[Symbol.asyncDispose]();
    this.#parts.webhooks.requests.tail.close();
    this.#stop = {
      drainedAt,
      reason,
      isShared,
      cutRequests: await this.#finishRequests(requests, turn),
      cutDeliveries: await this.#finishDeliveries(turn === undefined || isShared ? 0 : restMs()),
    };
  }

  /** Serves on until load balancers have noticed. Returns why that was over. */
  async #serveOn(requests: LastRequests, graceMs: number): Promise<string> {
    this.#life.isDraining = true;
    logger("gateway").info("Draining: serving on for up to {graceMs} ms", { graceMs: Math.round(graceMs) });
    return await requests.ended(graceMs) ? "no requests came any more" : "the time to serve on was over";
  }

  /** Takes no connection any more and waits for the requests under way. Returns how many were cut off. */
  async #finishRequests(requests: LastRequests, turn: ClosingTurn | undefined): Promise<number> {
    const timeout = this.#parts.deadlines.signal(this.#settings.shutdown.timeoutMs);
    await this.#parts.inFlight.bodiesRead(timeout);
    this.#life.isDraining = true;
    const closed = this.#server?.close();
    await turn?.pass();
    requests.release();
    const idle = await this.#parts.inFlight.idle(timeout);
    if (idle && closed !== undefined) await within(CLOSE_TIMEOUT_MS, closed);
    this.#life.isClosed = true;
    const count = this.#parts.inFlight.requests;
    if (count > 0) logger("gateway").warning("{count} requests were cut off", { count });
    return count;
  }

  /**
   * Delivers on for a while, and waits for the deliveries under way. Returns how many were cut off.
   *
   * @param onMs how long events of the journal may be begun with, in milliseconds
   */
  async #finishDeliveries(onMs: number): Promise<number> {
    const { journal, deadlines } = this.#parts;
    const endsAt = performance.now() + onMs;
    while (performance.now() < endsAt && journal.stats().pending !== 0) await deadlines.wait(EMPTY_LOOK_MS);
    if (await this.#parts.dispatcher.drain(deadlines.signal(this.#settings.shutdown.timeoutMs))) return 0;
    const count = this.#parts.dispatcher.underWay;
    logger("gateway").warning("{count} deliveries were cut off: they are made again at the next start", {
      count,
    });
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.isClosed = true;
    this.#stopping.abort();
    // Before the parts end: that they are gone then is no news.
    await within(CLOSE_TIMEOUT_MS, this.#health[Symbol.asyncDispose]());
    for (const followed of [this.#certificate, this.#adminTokens]) {
      if (followed !== undefined) await within(CLOSE_TIMEOUT_MS, followed[Symbol.asyncDispose]());
    }
    await within(CLOSE_TIMEOUT_MS, this.#parts.relay[Symbol.asyncDispose]());
    this.#parts.webhooks.requests.tail.close();
    // An answer that never ends must not keep the process: the sender gets a broken connection instead.
    for (const server of [this.#server, this.#ownServer]) {
      if (server !== undefined) await within(CLOSE_TIMEOUT_MS, server[Symbol.asyncDispose]());
    }
    // Before the configuration goes: figures are those of webhooks that exist.
    await within(CLOSE_TIMEOUT_MS, this.#parts.statistics?.[Symbol.asyncDispose]() ?? Promise.resolve());
    await this.#parts.provider[Symbol.asyncDispose]();
    await this.#parts.dispatcher.drain(AbortSignal.abort());
    await within(CLOSE_TIMEOUT_MS, this.#parts.eventLog?.[Symbol.asyncDispose]() ?? Promise.resolve());
    await within(CLOSE_TIMEOUT_MS, this.#parts.authServers[Symbol.asyncDispose]());
    await within(CLOSE_TIMEOUT_MS, this.#parts.manager.close());
    await within(CLOSE_TIMEOUT_MS, this.#parts.secrets[Symbol.asyncDispose]());
    await within(CLOSE_TIMEOUT_MS, this.#parts.outputs[Symbol.asyncDispose]());
    await within(CLOSE_TIMEOUT_MS, this.#parts.channels[Symbol.asyncDispose]());
    const { pending } = this.#parts.journal.stats();
    await within(CLOSE_TIMEOUT_MS, this.#parts.acceptor.drain());
    this.#parts.sharedRates?.[Symbol.dispose]();
    await this.#parts.journal[Symbol.asyncDispose]();
    this.#parts.deadlines[Symbol.dispose]();
    this.#parts.processMetrics[Symbol.dispose]();
    this.#fileGuard[Symbol.dispose]();
    this.#parts.failures[Symbol.dispose]();
    this.#parts.missed[Symbol.dispose]();
    if (this.#stop !== undefined) reportStop(logger("gateway"), this.#stop, pending);
  }

  async #load(stop?: AbortSignal): Promise<void> {
    const { signal } = this.#stopping;
    await this.#parts.provider.start(
      this.#parts.manager,
      stop === undefined ? signal : AbortSignal.any([signal, stop]),
    );
    this.#isLoaded = true;
    this.#life.isIncomplete = this.#parts.provider.status().missing !== undefined;
  }

  async #complete(): Promise<void> {
    logger("config").error(
      "Not ready, and webhooks answer 503, until the configuration is complete: {missing}",
      { missing: this.#parts.provider.status().missing },
    );
    await this.#parts.provider.completed?.(this.#stopping.signal);
    this.#life.isIncomplete = false;
  }

  get #waitsForVault(): boolean {
    return this.#settings.vault !== undefined && this.#parts.manager.waitsForSecrets;
  }

  async #becomeReady(): Promise<void> {
    if (!this.#isLoaded) await this.#load();
    if (this.#life.isIncomplete) await this.#complete();
    await this.#waitForSecrets();
    // Asked before the first event is accepted, which would wait in a lane that nobody has begun with.
    const mayHold = await mayHoldJournal(this.#settings);
    this.#life.isReady = true;
    this.#parts.manager.audit.loaded();
    this.#parts.giveNotices();
    // What an earlier process accepted and did not deliver is taken up; a first journal begins with its first event.
    if (mayHold) await this.#parts.dispatcher.start();
    else this.#parts.dispatcher.startEmpty();
    await this.#parts.statistics?.begin();
    logger("config").info(
      "Serving {webhooks} webhooks and {connections} connections",
      this.#parts.manager.size,
    );
    this.#warnOfOpenWebhooks();
  }

  #warnOfOpenWebhooks(): void {
    const { catalog } = this.#parts.manager;
    const { undeclared } = catalog.openWebhooks;
    if (undeclared === 0) return;
    const names = catalog.undeclaredOpen(LISTED_WEBHOOKS);
    logger("config").warning(
      "Everybody may send to {count} webhooks, which have no authentication: {webhooks}{more}. " +
        'Where that is meant, write "auth": "none"; REQUIRE_AUTH=true refuses the others',
      {
        count: undeclared,
        webhooks: names.join(", "),
        more: undeclared > names.length ? ", …" : "",
      },
    );
  }

  /** Webhooks without their secrets answer 503 by themselves: the others need not wait for ever. */
  async #waitForSecrets(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      await this.#parts.manager.secretsSettled(
        AbortSignal.any([signal, AbortSignal.timeout(SECRETS_TIMEOUT_MS)]),
      );
    } catch (error) {
      signal.throwIfAborted();
      logger("config").warning("Not all secrets were read in time: webhooks that need them answer 503", {
        error,
      });
    }
  }

  #becomeReadyInBackground(onReady: () => void = () => {}): void {
    this.#becomeReady().then(onReady).catch((error) => {
      if (!this.#stopping.signal.aborted) {
        logger("config").error("Loading the configuration failed", { error });
      }
    });
  }

  #listen(pair: UsablePair | undefined): void {
    const { host, port, sharesPort, instancePort, limits: { maxConnections }, tls } = this.#settings;
    const handler = tracedHandler(this.#parts.router, this.#parts.tracing);
    const common = {
      host,
      handler,
      tls: pair,
      hsts: tls?.hsts,
      acceptFailures: acceptFailures(this.#parts.metrics),
      inFlight: this.#parts.inFlight,
      logger: logger("http"),
    };
    // The own port first: whoever finds the shared one open finds this one open, too.
    const own = instancePort === undefined
      ? undefined
      : listen({ ...common, port: instancePort, maxConnections: undefined });
    this.#ownServer = own;
    this.#server = listen({ ...common, port, sharesPort, maxConnections });
    if (tls !== undefined && pair !== undefined) this.#followCertificate(tls, pair);
    const scheme = tls === undefined ? "http" : "https";
    logger("gateway").info("Listening on {scheme}://{host}:{port}", {
      scheme,
      host,
      port: this.port,
      version: VERSION,
      ...(own === undefined ? {} : { instancePort: own.port }),
    });
    const ownState = describeOwnState(this.#settings);
    if (ownState !== undefined) logger("gateway").warning(ownState);
    if (this.#parts.provider.usingEmbeddedDefault === true) {
      logger("gateway").warning(
        "No configuration found, so there is one webhook that prints what it gets. Try: {command}",
        { command: `curl -X POST ${scheme}://localhost:${this.port}/webhook/default -d '{"hello":"world"}'` },
      );
    }
  }

  #followAdminTokens(path: string, entries: readonly TokenEntry[]): void {
    const { manager, provider, callers } = this.#parts;
    this.#adminTokens = new AdminTokens({
      path,
      callers,
      report: (source, problem) =>
        manager.reportSource(source, problem, provider.status().revision, "last_good"),
      logger: logger("gateway"),
      audit: this.#parts.audit,
    }, entries);
  }

  #followCertificate(settings: TlsSettings, pair: UsablePair): void {
    const { manager, metrics, provider } = this.#parts;
    const certificate = this.#certificate = new Certificate({
      settings,
      renew: (renewed) => {
        this.#server?.renew(renewed);
        this.#ownServer?.renew(renewed);
      },
      report: (source, problem) =>
        manager.reportSource(source, problem, provider.status().revision, "last_good"),
      logger: logger("gateway"),
    }, pair);
    metrics.gaugeFrom(
      "cwm_tls_certificate_expires_timestamp_seconds",
      "When the certificate that is served ends.",
      () => certificate.expiresAtSeconds,
    );
  }
}
