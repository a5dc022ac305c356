/**
 * A gateway without a server and without a network: requests are handed to its router as the server hands them over,
 * and go the way that they go in service. Its journal stands in a folder of its own.
 *
 * @module
 */

import type { AuthServers } from "../auth/servers/auth_servers.ts";
import type { ConfigChange, ConfigProvider, ConfigSink, ProviderStatus } from "../config/provider.ts";
import type { SecretLookup } from "../config/secrets/lookup.ts";
import { describeWebhook, webhookPath } from "../event/names.ts";
import type { Problem } from "../config/problem.ts";
import type { CompiledStep } from "../config/compile/delivery_compiler.ts";
import { Health } from "../health/health.ts";
import type { LineWriter } from "../io/line_writer.ts";
import type { OutputModule } from "../modules/module.ts";
import type { Settings } from "../settings/settings.ts";
import { openJournal } from "./backends.ts";
import { GatewayParts } from "./wiring.ts";

/** How often it is looked whether all events are settled, in milliseconds. */
const SETTLED_CHECK_MS = 2;

/** What such a gateway is made of. */
export interface OfflineGatewayOptions {
  /** `dataDir` names the folder of its journal, and there is no other place of channels. */
  readonly settings: Settings;
  readonly environment: Readonly<Record<string, string>>;
  /** The whole configuration. */
  readonly changes: readonly ConfigChange[];
  /** The gateway closes it. */
  readonly secrets: SecretLookup;
  /** Where events go. */
  readonly modules: readonly OutputModule[];
  /** What verifiers ask; the gateway closes it. */
  readonly authServers: AuthServers;
}

/** The parts of a gateway but its server. */
export class OfflineGateway implements AsyncDisposable {
  readonly #parts: GatewayParts;

  private constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** @param signal ends the wait for secrets */
  static async start(options: OfflineGatewayOptions, signal: AbortSignal): Promise<OfflineGateway> {
    const { settings, environment, changes, secrets, modules, authServers } = options;
    const opened = {
      health: new Health(),
      journal: await openJournal(settings),
      provider: new FixedProvider(changes),
      secrets,
      tracing: undefined,
    };
    const life = { isReady: true, isIncomplete: false, isDraining: false, isClosed: false };
    const parts = new GatewayParts(
      { settings, environment, lines: NO_LINES, modules, authServers },
      opened,
      life,
    );
    const gateway = new OfflineGateway(parts);
    try {
      await parts.provider.start(parts.manager, signal);
      await parts.manager.secretsSettled(signal);
      parts.dispatcher.startEmpty();
      return gateway;
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Answers a request of a client at this address. */
  async handle(request: Request, client: string): Promise<Response> {
    return await this.#parts.router.handle(request, {
      remoteAddr: { transport: "tcp", hostname: client, port: 40_000 },
      completed: Promise.resolve(),
    });
  }

  /**
   * Resolves when all events are delivered, or given up, or belong to webhooks that are switched off.
   *
   * @returns whether they were when the signal aborted
   */
  async settled(signal: AbortSignal): Promise<boolean> {
    const { deadlines } = this.#parts;
    while (!signal.aborted) {
      if (await this.#isSettled()) return true;
      await deadlines.wait(SETTLED_CHECK_MS);
    }
    return await this.#isSettled();
  }

  async #isSettled(): Promise<boolean> {
    const { journal, dispatcher, stops } = this.#parts;
    if (dispatcher.underWay > 0) return false;
    if (journal.stats().pending === 0) return true;
    if (stops.list().length === 0) return false;
    const lanes = await journal.lanes();
    return lanes.every(({ namespace, webhook }) => stops.allows(webhookPath(namespace, webhook)) === "none");
  }

  /** The outputs of a webhook in service. @param path `namespace/id` */
  stepsOf(path: string): readonly CompiledStep[] {
    return this.#parts.manager.find(path)?.webhook?.steps ?? [];
  }

  /** Why the last request to a webhook that was refused was refused. @param path `namespace/id` */
  lastRefusal(path: string): string | undefined {
    return this.#parts.refusals.of(path)[0]?.reason;
  }

  /** What keeps a webhook from being served as it is configured. @param path `namespace/id` */
  problemsOf(path: string): readonly Problem[] {
    return this.#parts.manager.catalog.problemsOf(describeWebhook(path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const parts = this.#parts;
    await parts.relay[Symbol.asyncDispose]();
    await parts.dispatcher.drain(AbortSignal.abort());
    await parts.authServers[Symbol.asyncDispose]();
    await parts.manager.close();
    await parts.secrets[Symbol.asyncDispose]();
    await parts.outputs[Symbol.asyncDispose]();
    await parts.channels[Symbol.asyncDispose]();
    await parts.acceptor.drain();
    parts.sharedRates?.[Symbol.dispose]();
    await parts.journal[Symbol.asyncDispose]();
    parts.deadlines[Symbol.dispose]();
    parts.processMetrics[Symbol.dispose]();
    parts.failures[Symbol.dispose]();
    parts.missed[Symbol.dispose]();
  }
}

/** A configuration that was read before and does not change. */
class FixedProvider implements ConfigProvider {
  readonly backend = "file";
  readonly #changes: readonly ConfigChange[];

  constructor(changes: readonly ConfigChange[]) {
    this.#changes = changes;
  }

  start(sink: ConfigSink): Promise<void> {
    sink.apply(this.#changes);
    return Promise.resolve();
  }

  reload(): Promise<void> {
    return Promise.resolve();
  }

  status(): ProviderStatus {
    return { backend: this.backend, connected: true, degraded: false, revision: "1", lastSyncAt: undefined };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Outputs that print have nowhere to print to. */
const NO_LINES: LineWriter = {
  write: () => Promise.reject(new TypeError("Cannot print events: they go nowhere")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
