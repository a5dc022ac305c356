import { Connector } from "../../../src/connector/connector.ts";
import { loadConnectorConfig } from "../../../src/connector/config.ts";
import { fileLineWriter } from "../file_line_writer.ts";
import type { EtcdServer } from "../etcd/server.ts";
import { eventually } from "../eventually.ts";
import { TestGateway } from "../gateway.ts";
import { HttpTarget } from "../http/target.ts";
import { TcpProxy } from "../http/tcp_proxy.ts";
import { TempDir } from "../temp_dir.ts";
import { PullConsumer } from "./pull_consumer.ts";
import { patience } from "../patience.ts";

/** How a connector gets its messages. */
export type RelayTransport = "websocket" | "sse" | "long_poll" | "pull";

/** How a connector delivers. */
export type RelayMode = "http" | "module" | "etcd";

export const RELAY_TOKEN = "relay-token-1";
export const RELAY_ADMIN_TOKEN = "relay-admin-token";

/** Namespace of the connector's own webhooks in etcd. */
export const PRIVATE_NAMESPACE = "private";

/** What is relayed how. */
export interface RelayWorldOptions {
  /** @default "websocket" */
  readonly transport?: RelayTransport;
  /** @default "http" */
  readonly mode?: RelayMode;
  /** For the mode `etcd`. */
  readonly etcd?: EtcdServer;
  /** More of the webhooks' `module-config`. */
  readonly channel?: Readonly<Record<string, unknown>>;
  /** More of the gateway's settings. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether a second gateway takes every other webhook. Both need a queue that they share. */
  readonly hasPeer?: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * A gateway (or two) with the webhooks `orders` and `refunds` on the channel `inbox`, a network that fails on command
 * between it and its connectors, and a target behind them. All times are short.
 */
export class RelayWorld implements AsyncDisposable {
  readonly target: HttpTarget;
  readonly proxy: TcpProxy;
  readonly directory: TempDir;
  readonly #options: RelayWorldOptions;
  readonly #resources: AsyncDisposableStack;
  readonly #peer: TestGateway | undefined;
  #gateway: TestGateway;

  private constructor(
    options: RelayWorldOptions,
    target: HttpTarget,
    gateway: TestGateway,
    peer: TestGateway | undefined,
    directory: TempDir,
    resources: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.target = target;
    this.directory = directory;
    this.#gateway = gateway;
    this.#peer = peer;
    this.proxy = resources.use(TcpProxy.start({ port: gateway.port }));
    this.#resources = resources;
  }

  static async start(options: RelayWorldOptions = {}): Promise<RelayWorld> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await TempDir.create());
    const target = resources.use(await HttpTarget.start());
    const peer = options.hasPeer === true
      ? resources.use(await startGateway(options, directory, "peer-data"))
      : undefined;
    const gateway = await startGateway(options, directory, "data");
    return new RelayWorld(options, target, gateway, peer, directory, resources.move());
  }

  get gateway(): TestGateway {
    return this.#gateway;
  }

  /** Ends the gateway and starts it again, on the same port and data. */
  async restartGateway(): Promise<void> {
    const { port } = this.#gateway;
    await this.#gateway[Symbol.asyncDispose]();
    this.#gateway = await startGateway(this.#options, this.directory, "data", port);
  }

  /** Starts a connector, or a pulling consumer, that connects through the proxy. Its disposal drains it. */
  async connector(overrides: Json = {}): Promise<RelayConsumer> {
    if (this.#options.transport === "pull") {
      const { token = RELAY_TOKEN } = overrides as { readonly token?: string };
      return PullConsumer.start(`http://${this.proxy.address}`, token, `${this.target.url}/in`);
    }
    return await TestConnector.start(await this.connectorFile(overrides), this.directory);
  }

  /** Writes a `connector.json` and returns its path. */
  async connectorFile(overrides: Json = {}): Promise<string> {
    const { transport = "websocket" } = this.#options;
    return await this.directory.writeJson(`connector-${crypto.randomUUID()}.json`, {
      cloud_url: `http://${this.proxy.address}`,
      channel: "inbox",
      token: RELAY_TOKEN,
      protocol: transport,
      connector_id: "test",
      reconnect_delay: 0.02,
      max_reconnect_delay: 0.1,
      redelivery_delay: 0.05,
      max_redelivery_delay: 0.1,
      connection_timeout: 1,
      shutdown_timeout: 2,
      ...await this.#delivery(),
      ...overrides,
    });
  }

  /** Sends webhooks with the bodies `{"n":from}`, `{"n":from+1}`, … one after the other. */
  async send(count: number, { webhook = "orders", from = 0 } = {}): Promise<void> {
    for (let n = from; n < from + count; n++) {
      const gateway = n % 2 === 1 ? this.#peer ?? this.#gateway : this.#gateway;
      const { status, text } = await gateway.post(`/webhook/${webhook}`, `{"n":${n}}`);
      if (status !== 200) throw new Error(`The gateway answered ${status} ${text}`);
    }
  }

  /** The `n` of every request that the target has got, in order. */
  received(): number[] {
    return this.target.requests.map(({ text }) => (JSON.parse(text) as { n: number }).n);
  }

  /** The state of the channel, as connectors are told it. */
  async status(): Promise<
    {
      readonly messages_queued: number;
      readonly messages_in_flight: number;
      readonly connected_clients: number;
    }
  > {
    const { text } = await this.#gateway.request("/connect/status/inbox", {
      headers: { authorization: `Bearer ${RELAY_TOKEN}`, "cwm-relay-protocol": "1" },
    });
    return JSON.parse(text).stats;
  }

  /** Waits until nothing stands in the channel. */
  async empty(): Promise<void> {
    await eventually(async () => {
      const { messages_queued: queued, messages_in_flight: inFlight } = await this.status();
      if (queued + inFlight > 0) throw new Error(`${queued} messages are queued and ${inFlight} in flight`);
    });
  }

  async deadLetters(): Promise<readonly { readonly id: string; readonly reason: string }[]> {
    const { text } = await this.#gateway.request("/admin/dead-letters", {
      headers: { authorization: `Bearer ${RELAY_ADMIN_TOKEN}` },
    });
    return JSON.parse(text).dead_letters;
  }

  /** Makes every dead letter pending again. */
  async replayDeadLetters(): Promise<void> {
    const { status, text } = await this.#gateway.request("/admin/dead-letters/replay?all=true", {
      method: "POST",
      headers: { authorization: `Bearer ${RELAY_ADMIN_TOKEN}` },
    });
    if (status !== 200) throw new Error(`The gateway answered ${status} ${text}`);
  }

  /** Changes the `module-config` of both webhooks, as a change of configuration does. */
  async configure(channel: Json): Promise<void> {
    for (const gateway of [this.#gateway, this.#peer]) {
      await gateway?.writeWebhooks(gatewayWebhooks(channel));
      await gateway?.reload();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway[Symbol.asyncDispose]();
    await this.#resources.disposeAsync();
  }

  async #delivery(): Promise<Json> {
    const { mode = "http", etcd } = this.#options;
    if (mode === "http") {
      return {
        default_target: {
          url: `${this.target.url}/in`,
          timeout_seconds: 1,
          retry_delay_seconds: 0.01,
        },
      };
    }
    const webhooks = {
      orders: privateWebhook(this.target),
      refunds: privateWebhook(this.target),
    };
    if (mode === "module") {
      return {
        webhooks_config: await this.directory.writeJson("private-webhooks.json", webhooks),
        connections_config: this.directory.file("private-connections.json"),
      };
    }
    if (etcd === undefined) throw new TypeError("The mode etcd needs a server");
    for (const [id, webhook] of Object.entries(webhooks)) {
      await etcd.gateway.putJson(`/cwm/${PRIVATE_NAMESPACE}/webhooks/${id}`, webhook);
    }
    return { etcd_host: "127.0.0.1", etcd_port: etcd.port, namespace: PRIVATE_NAMESPACE };
  }
}

/** What takes events from the channel to the target. */
export interface RelayConsumer extends AsyncDisposable {
  readonly isConnected: boolean;
  /** Waits until it is connected. */
  connected(): Promise<void>;
  /** Takes no further events, and waits for those under way. */
  drain(): Promise<void>;
}

/** A connector in the test's own process. */
export class TestConnector implements RelayConsumer {
  readonly #connector: Connector;
  readonly #resources: AsyncDisposableStack;

  private constructor(connector: Connector, resources: AsyncDisposableStack) {
    this.#connector = connector;
    this.#resources = resources;
  }

  static async start(file: string, directory: TempDir): Promise<TestConnector> {
    await using resources = new AsyncDisposableStack();
    const output = resources.adopt(
      await Deno.open(directory.file("connector-stdout"), { create: true, append: true }),
      (opened) => opened.close(),
    );
    const lines = resources.use(fileLineWriter(output));
    const config = await loadConnectorConfig({
      file,
      environment: {},
      hostname: "test",
      logIsTerminal: false,
    });
    const connector = await Connector.start({ config, environment: {}, lines }, patience(10_000));
    return new TestConnector(resources.use(connector), resources.move());
  }

  get isConnected(): boolean {
    return this.#connector.status()["status"] === "connected";
  }

  async connected(): Promise<void> {
    await eventually(() => this.isConnected);
  }

  drain(): Promise<void> {
    return this.#connector.drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** The webhooks of the gateway, with the channel `inbox`. */
export function gatewayWebhooks(channel: Json = {}): Json {
  const webhook = {
    data_type: "blob",
    module: "webhook_connect",
    "module-config": {
      channel: "inbox",
      channel_token: RELAY_TOKEN,
      heartbeat_interval_seconds: 0.2,
      ack_timeout_seconds: 2,
      ...channel,
    },
  };
  return { orders: webhook, refunds: webhook };
}

/** A webhook of the connector that sends to the target. */
export function privateWebhook(target: HttpTarget, path = "/in"): Json {
  return {
    module: "http_webhook",
    "module-config": { url: `${target.url}${path}`, allowed_hosts: ["127.0.0.1"], timeout: 1 },
  };
}

function startGateway(
  options: RelayWorldOptions,
  directory: TempDir,
  data: string,
  port = 0,
): Promise<TestGateway> {
  return TestGateway.start({
    webhooks: gatewayWebhooks(options.channel) as Readonly<Record<string, unknown>>,
    environment: {
      PORT: String(port),
      DATA_DIR: directory.file(data),
      ADMIN_TOKEN: RELAY_ADMIN_TOKEN,
      ...options.environment,
    },
  });
}
