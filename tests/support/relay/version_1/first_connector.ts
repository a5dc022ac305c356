import { getLogger } from "@logtape/logtape";
import { targetSchema } from "../../../../src/connector/config_schema.ts";
import { HttpDeliverer } from "../../../../src/connector/deliverers/http.ts";
import { ConnectorMetrics } from "../../../../src/connector/metrics.ts";
import { Processor } from "../../../../src/connector/processor.ts";
import { StreamClient } from "../../../../src/connector/stream_client.ts";
import { Metrics } from "../../../../src/observability/metrics.ts";
import { connectWebSocket } from "./connector_websocket.ts";

const WINDOW = 20;

/** A connector that speaks version 1 of the protocol as connectors did when there was no other. */
export class FirstConnector implements AsyncDisposable {
  readonly #deliverer: HttpDeliverer;
  readonly #http = Deno.createHttpClient({ http2: false });
  readonly #client: StreamClient;
  readonly #processor: Processor;
  readonly #running: Promise<void>;
  readonly #stopping = new AbortController();

  /** @param target where each event is posted to */
  constructor(cloudUrl: string, token: string, target: string) {
    const logger = getLogger(["cwm", "test", "connector"]);
    const metrics = new ConnectorMetrics(new Metrics());
    const config = targetSchema.parse({ url: target, timeout_seconds: 1, retry_delay_seconds: 0.01 });
    this.#deliverer = new HttpDeliverer(new Map(), config, undefined);
    this.#client = new StreamClient({
      connect: connectWebSocket,
      options: {
        cloudUrl,
        channel: "inbox",
        token,
        connectorId: "first",
        window: WINDOW,
        client: this.#http,
        connectionTimeoutMs: 5_000,
        heartbeatTimeoutMs: 5_000,
        ackTimeoutMs: 5_000,
      },
      reconnect: { initialMs: 20, maxMs: 100 },
      metrics,
      logger,
    });
    this.#processor = new Processor({
      deliverer: this.#deliverer,
      maxConcurrent: 5,
      ordered: true,
      rememberedReports: WINDOW,
      redelivery: { initialMs: 50, maxMs: 100 },
      report: (report) => this.#client.report(report),
      metrics,
      logger,
    });
    this.#running = this.#client.run({
      webhook: (message) => this.#processor.accept(message),
      paused: (messageIds, sequence) => this.#processor.paused(messageIds, sequence),
      reconnected: (resumed) => this.#processor.reconnected(resumed),
    }, this.#stopping.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#client.close();
    await this.#running;
    await this.#processor[Symbol.asyncDispose]();
    await this.#deliverer[Symbol.asyncDispose]();
    this.#http.close();
  }
}
