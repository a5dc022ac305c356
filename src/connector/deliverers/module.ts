/**
 * Delivers events through output modules, as webhooks and connections of a local configuration say: files,
 * or an etcd cluster. A changed value changes the delivery without a restart. What the webhook says about
 * authentication is not looked at: the gateway has verified the event.
 *
 * @module
 */

import { unfiltered, type VerifiedEvent } from "../../event/verified_event.ts";
import { BlockedWebhook, type WebhookEntry } from "../../config/entry.ts";
import { FileConfigProvider } from "../../config/file/file_provider.ts";
import { ConfigManager } from "../../config/manager.ts";
import type { ConfigProvider } from "../../config/provider.ts";
import type { SecretLookup } from "../../config/secrets/lookup.ts";
import type { Environment } from "../../config/values/substitution.ts";
import { Deadlines } from "../../time/deadlines.ts";
import { deliverDirectly } from "../../delivery/direct_delivery.ts";
import { buildOutputs } from "../../delivery/outputs/build.ts";
import type { OutputPool } from "../../delivery/outputs/output_pool.ts";
import { DeliveryError } from "../../errors.ts";
import type { DeliveryResult } from "../../modules/module.ts";
import { outputModulesWithin } from "../../modules/registry.ts";
import { webhookConnectModule } from "../../modules/webhook_connect/webhook_connect.ts";
import type { LineWriter } from "../../io/line_writer.ts";
import { logger } from "../../observability/logging.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { OutputBounds } from "../../settings/output_bounds.ts";
import { SECRET_VARIABLES } from "../../settings/table.ts";
import type { DeliveryConfig } from "../config.ts";
import { CONNECTOR_SECRET_VARIABLES } from "../config_schema.ts";
import type { Deliverer } from "./deliverer.ts";

/** How long an event may take with its output's own retries before it goes back, in milliseconds. */
const DELIVERY_BUDGET_MS = 10_000;

/** How long a start waits for secrets, in milliseconds. */
const SECRETS_TIMEOUT_MS = 10_000;

const OWN_SECRETS: ReadonlySet<string> = new Set([...SECRET_VARIABLES, ...CONNECTOR_SECRET_VARIABLES]);

/** The namespace of the webhooks in files, where none is configured. */
const FILE_NAMESPACE = "default";

/** What a module deliverer is made of. */
export interface ModuleDelivererOptions {
  readonly delivery: Exclude<DeliveryConfig, { readonly mode: "http" }>;
  /** Where `{$NAME}` references are looked up. */
  readonly environment: Environment;
  /** What references to secrets are looked up in; left out, each of them is a problem. */
  readonly secrets?: SecretLookup;
  /** What outputs may do, whoever configures webhooks. @default no bounds */
  readonly outputBounds?: OutputBounds;
  /** Standard output, for the `log` module. */
  readonly lines: LineWriter;
  readonly metrics: Metrics;
}

/** Delivers each event through the modules of its webhook in a local configuration. */
export class ModuleDeliverer implements Deliverer {
  readonly #namespace: string | undefined;
  readonly #deadlines = new Deadlines();
  readonly #outputs: OutputPool;
  readonly #manager: ConfigManager;
  readonly #provider: ConfigProvider;

  private constructor(options: ModuleDelivererOptions, provider: ConfigProvider) {
    this.#namespace = options.delivery.mode === "module"
      ? options.delivery.namespace ?? FILE_NAMESPACE
      : options.delivery.namespace;
    this.#outputs = buildOutputs({
      deadlines: this.#deadlines,
      metrics: options.metrics,
      context: { lines: options.lines },
      deliveryBudgetMs: DELIVERY_BUDGET_MS,
    });
    this.#manager = new ConfigManager({
      outputs: this.#outputs,
      compile: {
        environment: options.environment,
        ownSecrets: OWN_SECRETS,
        // A connector has no channels of its own: relaying again would go round in circles.
        modules: outputModulesWithin(options.outputBounds ?? {}).filter(({ name }) =>
          name !== webhookConnectModule.name
        ),
      },
      ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
      logger: logger("config"),
    });
    this.#provider = provider;
    provider.registerMetrics?.(options.metrics);
  }

  /**
   * Loads the configuration. Waits until etcd can be reached, or the files that there must be can be read: events
   * whose webhook is not there would be refused for good.
   *
   * @throws {DOMException} `AbortError` when the signal aborts first
   */
  static async start(options: ModuleDelivererOptions, signal: AbortSignal): Promise<ModuleDeliverer> {
    const deliverer = new ModuleDeliverer(options, await createProvider(options.delivery));
    try {
      await deliverer.#provider.start(deliverer.#manager, signal);
      await deliverer.#waitUntilComplete(signal);
      await deliverer.#waitForSecrets(signal);
      logger("config").info(
        "Delivering with {webhooks} webhooks and {connections} connections",
        deliverer.#manager.size,
      );
      return deliverer;
    } catch (error) {
      await deliverer[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #waitUntilComplete(signal: AbortSignal): Promise<void> {
    const { missing } = this.#provider.status();
    if (missing === undefined) return;
    logger("config").error("Nothing is delivered until the configuration is complete: {missing}", {
      missing,
    });
    await this.#provider.completed?.(signal);
  }

  /** Webhooks without their secrets put their events back by themselves: the others need not wait for ever. */
  async #waitForSecrets(signal: AbortSignal): Promise<void> {
    try {
      await this.#manager.secretsSettled(AbortSignal.any([signal, AbortSignal.timeout(SECRETS_TIMEOUT_MS)]));
    } catch (error) {
      signal.throwIfAborted();
      logger("config").warning("Not all secrets were read in time: events of webhooks that need them wait", {
        error,
      });
    }
  }

  async deliver(event: VerifiedEvent): Promise<DeliveryResult> {
    const path = `${this.#namespace ?? event.namespace}/${event.webhook}`;
    const entry = this.#manager.find(path);
    if (entry === undefined) {
      return new DeliveryError("output_rejected", `The connector's configuration has no webhook ${path}`);
    }
    if (entry instanceof BlockedWebhook) {
      const message = `Webhook ${path} of the connector cannot be used: ${entry.error.message}`;
      return new DeliveryError("output_unavailable", message, {
        retryAfterSeconds: entry.error.retryAfterSeconds ?? 10,
      });
    }
    return await this.#deliverThrough(entry, event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#provider[Symbol.asyncDispose]();
    await this.#manager.close();
    await this.#outputs[Symbol.asyncDispose]();
    this.#deadlines[Symbol.dispose]();
  }

  /** The outputs stay open until the delivery has ended, whatever the configuration says by then. */
  async #deliverThrough(entry: WebhookEntry, event: VerifiedEvent): Promise<DeliveryResult> {
    entry.enter();
    try {
      // Its own filter decides, and not the one that the gateway's webhook may have.
      const asked = entry.webhook.filters?.filter === undefined ? event : unfiltered(event);
      const result = await deliverDirectly(entry, asked, this.#deadlines);
      // What no output wants is done.
      return result === "filtered" ? "delivered" : result;
    } finally {
      entry.leave();
    }
  }
}

/** The etcd client is loaded only where it is used. */
async function createProvider(delivery: ModuleDelivererOptions["delivery"]): Promise<ConfigProvider> {
  if (delivery.mode === "module") {
    return new FileConfigProvider({
      webhooksFile: delivery.webhooks,
      connectionsFile: delivery.connections,
      named: ["webhooks"],
      defaultNamespace: delivery.namespace ?? FILE_NAMESPACE,
      logger: logger("config"),
    });
  }
  const { EtcdConfigProvider } = await import("../../config/etcd/etcd_provider.ts");
  const { endpoints, prefix, credentials, tls } = delivery.etcd;
  return new EtcdConfigProvider({
    endpoints,
    prefix,
    ...(credentials === undefined ? {} : { credentials }),
    ...(tls === undefined ? {} : { tls }),
    logger: logger("etcd"),
  });
}
