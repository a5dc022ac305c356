import { join } from "@std/path";
import { ClickhouseServer } from "../clickhouse/server.ts";
import { EtcdServer } from "../etcd/server.ts";
import { GatewayProcess } from "../process/gateway_process.ts";
import { HttpTarget } from "../http/target.ts";
import { KafkaServer } from "../kafka/server.ts";
import { formatRequest, RawHttpConnection, type RawResponse } from "../http/raw_http.ts";
import { RedisServer } from "../redis/server.ts";
import { REPOSITORY } from "../repository.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";
const FILES = join(REPOSITORY, "tests/support/inputs");

/** What `{$TOKEN}` and `{$env:TOKEN}` stand for. */
export const TOKEN = "the-value-of-the-variable";

/** A problem or a warning of `/admin/config`. */
interface Finding {
  readonly key: string;
  readonly code: string;
  readonly path: string;
}

/**
 * A gateway that serves `webhooks.json` and `connections.json` beside this file, one that takes its configuration from
 * etcd, and a real server behind each of their outputs. References to files and to Vault have no source here.
 */
export class InputWorld implements AsyncDisposable {
  private constructor(
    readonly gateway: GatewayProcess,
    readonly etcdGateway: GatewayProcess,
    readonly etcd: EtcdServer,
    readonly redis: RedisServer,
    readonly kafka: KafkaServer,
    readonly clickhouse: ClickhouseServer,
    readonly target: HttpTarget,
    private readonly resources: AsyncDisposableStack,
  ) {}

  /** @param tables statements that ClickHouse runs before the gateway starts */
  static async start(tables: readonly string[]): Promise<InputWorld> {
    await using undo = new AsyncDisposableStack();
    const own = async <T extends AsyncDisposable>(starting: Promise<T>) => undo.use(await starting);
    const [etcd, redis, kafka, clickhouse, target] = await Promise.all([
      own(EtcdServer.start()),
      own(RedisServer.start({ persistent: false })),
      own(KafkaServer.start()),
      own(ClickhouseServer.start()),
      own(HttpTarget.start()),
    ]);
    await kafka.createTopic("keyed");
    for (const table of tables) await clickhouse.query(table);
    const [gateway, etcdGateway] = await Promise.all([
      own(GatewayProcess.start({
        env: {
          ADMIN_TOKEN,
          TOKEN,
          WEBHOOKS_CONFIG_FILE: join(FILES, "webhooks.json"),
          CONNECTIONS_CONFIG_FILE: join(FILES, "connections.json"),
          TARGET: target.url,
          REDIS_TEST_PORT: String(redis.port),
          KAFKA_TEST_BROKERS: kafka.bootstrap,
          CLICKHOUSE_TEST_PORT: String(clickhouse.port),
        },
      })),
      own(GatewayProcess.start({ env: { CONFIG_BACKEND: "etcd", ETCD_ENDPOINTS: etcd.endpoint } })),
    ]);
    await Promise.all([gateway.waitUntilReady(), etcdGateway.waitUntilReady()]);
    return new InputWorld(gateway, etcdGateway, etcd, redis, kafka, clickhouse, target, undo.move());
  }

  /** Sends bytes as they are, and reads one answer. */
  async send(request: string | Uint8Array): Promise<RawResponse> {
    await using connection = await RawHttpConnection.open(this.gateway.port);
    await connection.write(request);
    return await connection.readResponse();
  }

  /** Sends an event in a regular request; the answer as its status and, if it is an error, its code. */
  async post(
    webhook: string,
    body: string | Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    return describe(await this.send(formatRequest("POST", `/webhook/${webhook}`, { headers, body })));
  }

  /** Sends one event after the other; which of them were taken for new ones. */
  async postEach(webhook: string, bodies: readonly string[]): Promise<string> {
    const ids = new Set<string>();
    for (const body of bodies) {
      const answer = await this.send(formatRequest("POST", `/webhook/${webhook}`, { body }));
      ids.add((JSON.parse(answer.text) as { event_id: string }).event_id);
    }
    return `${ids.size} events of ${bodies.length}`;
  }

  /** What the gateway finds wrong or strange in an entry: codes and places. */
  async findings(list: "problems" | "warnings", key: string): Promise<string> {
    const answer = await fetch(`${this.gateway.url}/admin/config`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    const found = (await answer.json() as Record<typeof list, Finding[]>)[list]
      .filter((finding) => finding.key === key)
      .map(({ code, path }) => `${code} at ${path}`);
    return found.length === 0 ? "none" : found.join(", ");
  }

  /** The value of a metric without labels. */
  async metric(name: string): Promise<string> {
    const text = await (await fetch(`${this.gateway.url}/metrics`)).text();
    return new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? "absent";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

/** The status of an answer and, if it is an error of the gateway, its code. */
export function describe({ status, text }: Pick<RawResponse, "status" | "text">): string {
  const code = /^\{"error":\{"code":"(\w+)"/.exec(text)?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}
