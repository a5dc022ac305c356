/**
 * The connector as a whole: builds its parts from the configuration, runs until its signal aborts, and
 * stops without losing or repeating more than it must.
 *
 * @module
 */

import type { SecretLookup } from "../config/secrets/lookup.ts";
import type { Environment } from "../config/values/substitution.ts";
import type { OutputBounds } from "../settings/output_bounds.ts";
import type { LineWriter } from "../io/line_writer.ts";
import { logger } from "../observability/logging.ts";
import { Metrics } from "../observability/metrics.ts";
import { registerProcessMetrics } from "../observability/process_metrics.ts";
import { VERSION } from "../version.ts";
import type { ConnectorConfig } from "./config.ts";
import type { Connect } from "./transports/connection.ts";
import { ConnectorMetrics } from "./metrics.ts";
import type { Deliverer } from "./deliverers/deliverer.ts";
import { HttpDeliverer } from "./deliverers/http.ts";
import { ModuleDeliverer } from "./deliverers/module.ts";
import { connectAutomatically } from "./transports/auto.ts";
import { connectLongPoll } from "./transports/long_poll.ts";
import { Processor } from "./processor.ts";
import { connectEventStream } from "./transports/sse.ts";
import { serveStatus } from "./status_server.ts";
import { StreamClient } from "./stream_client.ts";
import { connectWebSocket } from "./transports/websocket.ts";

/** Messages held for each delivery under way: enough that none has to wait for the network. */
const WINDOW_PER_PLACE = 4;

const TRANSPORTS: Readonly<Record<ConnectorConfig["protocol"], Connect>> = {
  auto: connectAutomatically,
  websocket: connectWebSocket,
  sse: connectEventStream,
  long_poll: connectLongPoll,
};

/** What the process hands to its connector. */
export interface ConnectorOptions {
  readonly config: ConnectorConfig;
  /** Where `{$NAME}` references in the configuration of modules are looked up. */
  readonly environment: Environment;
  /** What their references to secrets are looked up in; left out, each of them is a problem. */
  readonly secrets?: SecretLookup;
  /** What outputs may do, whoever configures webhooks. @default no bounds */
  readonly outputBounds?: OutputBounds;
  /** Standard output, for the `log` output module. */
  readonly lines: LineWriter;
}

/** A running connector. */
export class Connector implements AsyncDisposable {
  readonly #config: ConnectorConfig;
  readonly #deliverer: Deliverer;
  readonly #client: StreamClient;
  readonly #processor: Processor;
  readonly #httpClient: Deno.HttpClient;
  readonly #stopping = new AbortController();
  readonly #resources: AsyncDisposableStack;
  readonly #running: Promise<void>;

  private constructor(
    { config }: ConnectorOptions,
    metrics: Metrics,
    deliverer: Deliverer,
    resources: AsyncDisposableStack,
  ) {
    this.#config = config;
    this.#deliverer = deliverer;
    this.#resources = resources;
    // The upgrade to WebSocket exists in HTTP/1.1 only.
    const { ca, cert, key } = config.tls;
    this.#httpClient = Deno.createHttpClient({
      http2: false,
      ...(ca === undefined ? {} : { caCerts: [ca] }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    });
    const connectorMetrics = new ConnectorMetrics(metrics);
    const window = config.maxConcurrent * WINDOW_PER_PLACE;
    this.#client = this.#buildClient(connectorMetrics, window);
    this.#processor = this.#buildProcessor(connectorMetrics, window);
    metrics.gaugeFrom(
      "cwm_connector_connected",
      "Whether the connector is connected to its gateway.",
      () => this.#client.isConnected ? 1 : 0,
    );
    metrics.gaugeFrom(
      "cwm_connector_held",
      "Messages that wait to be delivered or are delivered.",
      () => this.#processor.held,
    );
    this.#running = this.#client.run({
      webhook: (message) => this.#processor.accept(message),
      paused: (messageIds, sequence) => this.#processor.paused(messageIds, sequence),
      reconnected: (resumed) => this.#processor.reconnected(resumed),
    }, this.#stopping.signal);
  }

  /**
   * Starts a connector. Resolves when its delivery configuration is loaded; it connects in the background.
   *
   * @throws {StartupError} when the status port cannot be used
   * @throws {DOMException} `AbortError` when the signal aborts while the configuration is loaded
   */
  static async start(options: ConnectorOptions, signal: AbortSignal): Promise<Connector> {
    await using resources = new AsyncDisposableStack();
    const metrics = new Metrics();
    resources.use(registerProcessMetrics(metrics, VERSION));
    const { config } = options;
    const started: { connector?: Connector } = {};
    const status = () => started.connector?.status() ?? { status: "starting", channel: config.channel };
    if (config.status !== undefined) resources.use(serveStatus(config.status, metrics, status));
    const deliverer = resources.use(await createDeliverer(options, metrics, signal));
    return started.connector = new Connector(options, metrics, deliverer, resources.move());
  }

  /** What `/health` says. */
  status(): Readonly<Record<string, unknown>> {
    return {
      status: this.#client.isConnected ? "connected" : "disconnected",
      channel: this.#config.channel,
      protocol: this.#config.protocol,
      delivery_mode: this.#config.delivery.mode,
      in_flight: this.#processor.held,
    };
  }

  /** Takes nothing more, finishes what is under way, reports it, and says goodbye. */
  async drain(): Promise<void> {
    const { shutdownTimeoutMs } = this.#config;
    logger("connector").info("Draining: finishing {held} messages", { held: this.#processor.held });
    this.#client.stop();
    await this.#processor.drain(shutdownTimeoutMs);
    await this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#client.close();
    await this.#running;
    await this.#processor[Symbol.asyncDispose]();
    this.#httpClient.close();
    await this.#deliverer[Symbol.asyncDispose]();
    await this.#resources.disposeAsync();
  }

  #buildClient(metrics: ConnectorMetrics, window: number): StreamClient {
    const config = this.#config;
    return new StreamClient({
      connect: TRANSPORTS[config.protocol],
      options: {
        cloudUrl: config.cloudUrl,
        channel: config.channel,
        token: config.token,
        connectorId: config.connectorId,
        window,
        windowBytes: config.maxHeldBytes,
        client: this.#httpClient,
        connectionTimeoutMs: config.connectionTimeoutMs,
        heartbeatTimeoutMs: config.heartbeatTimeoutMs,
        ackTimeoutMs: config.ackTimeoutMs,
      },
      reconnect: config.reconnect,
      metrics,
      logger: logger("connector"),
    });
  }

  #buildProcessor(metrics: ConnectorMetrics, window: number): Processor {
    return new Processor({
      deliverer: this.#deliverer,
      maxConcurrent: this.#config.maxConcurrent,
      ordered: this.#config.ordered,
      rememberedReports: window,
      redelivery: this.#config.redelivery,
      report: (report) => this.#client.report(report),
      metrics,
      logger: logger("connector"),
    });
  }
}

async function createDeliverer(
  { config, ...rest }: ConnectorOptions,
  metrics: Metrics,
  signal: AbortSignal,
): Promise<Deliverer> {
  const { delivery } = config;
  return delivery.mode === "http"
    ? new HttpDeliverer(delivery.targets, delivery.defaultTarget, config.tls.ca)
    : await ModuleDeliverer.start({ delivery, ...rest, metrics }, signal);
}
