/** The servers of {@linkcode benchHung}, all asked for the same. */

import { ActivemqDesk } from "../support/activemq/desk.ts";
import { ACTIVEMQ_USERS } from "../support/activemq/server.ts";
import { sharedActivemq } from "../support/activemq/shared.ts";
import { BucketDesk } from "../support/aws/buckets.ts";
import { FauxqsProcess } from "../support/aws/fauxqs.ts";
import { eventIdOf as queueEventIdOf, QueueDesk } from "../support/aws/queue_desk.ts";
import { RecordLedger } from "../support/aws/record_ledger.ts";
import { KEYS } from "../support/aws/sqs_world.ts";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { HttpLedger } from "./http_ledger.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { KafkaServer } from "../support/kafka/server.ts";
import { MariadbServer } from "../support/mariadb/server.ts";
import { eventIdOf, MosquittoServer } from "../support/mqtt/server.ts";
import { eventIdOf as eventIdIn } from "../support/nats/desk.ts";
import { NatsServer } from "../support/nats/server.ts";
import { RabbitmqDesk } from "../support/rabbitmq/desk.ts";
import { RabbitmqServer } from "../support/rabbitmq/server.ts";
import { PROJECT } from "../support/pubsub/account.ts";
import { PubsubServer } from "../support/pubsub/server.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { WebsocketPeer } from "../support/websocket/peer.ts";
import { eventIdOf as eventIdOfFrames, ZeromqPeer } from "../support/zeromq/peer.ts";
import { RedisServer } from "../support/redis/server.ts";
import { streamTexts } from "../support/redis/stream.ts";

/** What the gateway needs for a server. */
export interface Reached {
  readonly webhook: Readonly<Record<string, unknown>>;
  /** Left out where the webhook says where the server is. */
  readonly connection?: Readonly<Record<string, unknown>>;
}

/** A server that can hang, and everything else that can happen to it. */
export interface HungServer extends AsyncDisposable {
  readonly port: number;
  /** For a gateway that reaches it at a port: its own, or that of a proxy. */
  reachedAt(port: number): Reached;
  /** Keeps its connections and answers nothing. */
  freeze(): void | Promise<void>;
  thaw(): void | Promise<void>;
  /** Ends it, at once where it still has what it has confirmed then. */
  kill(): Promise<void>;
  /** Undoes {@linkcode kill}. */
  restart(): Promise<void>;
  /** Breaks its connections. Left out where a proxy can do that, since all go to {@linkcode port}. */
  cut?(): Promise<void>;
  /** Why an event may be in it again although no attempt has failed. @default for no reason */
  readonly repeats?: string;
  /** How often each event is in it, by the event's id. */
  count(): Promise<ReadonlyMap<string, number>>;
}

/** How a server is started. */
export interface HungServerOptions {
  /** Whether it still has everything after a restart, where that is not so anyway. @default false */
  readonly persistent?: boolean;
}

/** Starts a server. */
export type StartServer = (options?: HungServerOptions) => Promise<HungServer>;

const TOPIC = "orders";
const TABLE = "webhook_logs";

/** Why an event may be in what speaks HTTP again. */
const OVER_KEPT_CONNECTIONS = "over a connection that was kept, the runtime sends a request again by itself";

/** Three brokers. They keep topics in memory: what is killed are their connections, and the doors to them. */
export async function startKafka(): Promise<HungServer> {
  const kafka = await KafkaServer.start({ brokers: 3 });
  await kafka.createTopic(TOPIC, 6);
  return {
    port: kafka.ports[0]!,
    reachedAt: () => ({
      webhook: { module: "kafka", "module-config": { topic: TOPIC } },
      connection: { type: "kafka", bootstrap_servers: kafka.bootstrap },
    }),
    freeze: () => kafka.freeze(),
    thaw: () => kafka.thaw(),
    kill: () => kafka.takeDown(),
    restart: () => kafka.bringUp(),
    cut: async () => {
      await kafka.takeDown();
      await kafka.bringUp();
    },
    count: async () =>
      countIds((await kafka.consume(TOPIC)).map(({ headers }) => new Map(headers).get("cwm-event-id") ?? "")),
    [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
  };
}

/** A Mosquitto, and somebody who reads everything. */
export async function startMqtt({ persistent = false }: HungServerOptions = {}): Promise<HungServer> {
  const broker = await MosquittoServer.start({ persistent });
  const reader = await broker.read();
  return {
    port: broker.port,
    reachedAt: (port) => ({
      webhook: { module: "mqtt", "module-config": { topic: TOPIC } },
      connection: { type: "mqtt", host: "127.0.0.1", port },
    }),
    freeze: () => broker.freeze(),
    thaw: () => broker.thaw(),
    // One that is killed forgets what nobody has read yet.
    kill: () => broker.end(),
    restart: () => broker.restart(),
    count: async () => countIds((await reader.messages()).map(eventIdOf)),
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

/** A NATS server with a stream. */
export async function startNats(): Promise<HungServer> {
  const server = await NatsServer.start();
  await (await server.desk()).createStream("ORDERS", [TOPIC]);
  return {
    port: server.port,
    reachedAt: (port) => ({
      webhook: { module: "nats", "module-config": { subject: TOPIC } },
      connection: { type: "nats", servers: `127.0.0.1:${port}` },
    }),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    count: async () => countIds((await (await server.desk()).messages("ORDERS")).map(eventIdIn)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A peer of ZeroMQ that answers, and has written down what it answers. */
export async function startZeromq(): Promise<HungServer> {
  const peer = await ZeromqPeer.start({ kind: "ROUTER" });
  return {
    port: peer.port,
    reachedAt: (port) => ({
      webhook: {
        module: "zeromq",
        "module-config": { endpoint: `tcp://127.0.0.1:${port}`, socket_type: "DEALER" },
      },
    }),
    freeze: () => peer.freeze(),
    thaw: () => peer.thaw(),
    kill: () => peer.kill(),
    restart: () => peer.restart(),
    count: async () => countIds((await peer.messages()).map(eventIdOfFrames)),
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

/** A Redis with jobs. */
export function startRedisRq(options?: HungServerOptions): Promise<HungServer> {
  return startRedis(options, {
    type: "redis-rq",
    webhook: { module: "redis_rq", "module-config": { function: "shop.tasks.record" } },
    ids: async (redis) => idsOf(await redis.call("LRANGE", "rq:queue:default", 0, -1) as string[]),
  });
}

/** A Redis with a stream. */
export function startRedisStream(options?: HungServerOptions): Promise<HungServer> {
  return startRedis(options, {
    type: "redis",
    webhook: { module: "redis_stream", "module-config": { stream: TOPIC } },
    ids: (redis) => streamTexts(redis, TOPIC, "event_id"),
  });
}

/** A Redis with tasks. */
export function startTaskQueue(options?: HungServerOptions): Promise<HungServer> {
  return startRedis(options, {
    type: "redis-rq",
    webhook: { module: "task_queue", "module-config": { protocol: "dramatiq", function: "record" } },
    ids: async (redis) => idsOf(await redis.call("LRANGE", "dramatiq:default", 0, -1) as string[]),
  });
}

/** The events of jobs, whose ids end in what tells those of several webhooks apart. */
function idsOf(jobs: readonly string[]): readonly string[] {
  return jobs.map((job) => job.slice(0, job.lastIndexOf("-")));
}

async function startRedis(
  { persistent = false }: HungServerOptions = {},
  { type, webhook, ids }: {
    readonly type: string;
    readonly webhook: Reached["webhook"];
    ids(redis: RedisServer): Promise<readonly string[]>;
  },
): Promise<HungServer> {
  const redis = await RedisServer.start({ persistent });
  return {
    port: redis.port,
    reachedAt: (port) => ({ webhook, connection: { type, host: "127.0.0.1", port } }),
    freeze: () => redis.freeze(),
    thaw: () => redis.thaw(),
    kill: () => redis.kill(),
    restart: () => redis.restart(),
    count: async () => countIds(await ids(redis)),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** A RabbitMQ, whose queue is made by the first event. */
export async function startRabbitmq(): Promise<HungServer> {
  const rabbitmq = await RabbitmqServer.start();
  const found: string[] = [];
  return {
    port: rabbitmq.port,
    reachedAt: (port) => ({
      webhook: { module: "rabbitmq", "module-config": { queue_name: TOPIC } },
      connection: { type: "rabbitmq", host: "127.0.0.1", port },
    }),
    freeze: () => rabbitmq.freeze(),
    thaw: () => rabbitmq.thaw(),
    kill: () => rabbitmq.kill(),
    restart: () => rabbitmq.restart(),
    count: async () => {
      await using desk = new RabbitmqDesk(rabbitmq.port);
      for (const { properties } of await desk.take(TOPIC)) found.push(properties.messageId);
      return countIds(found);
    },
    [Symbol.asyncDispose]: () => rabbitmq[Symbol.asyncDispose](),
  };
}

/** An ActiveMQ, whose queue is made by the first event. */
export async function startActivemq(): Promise<HungServer> {
  const activemq = await sharedActivemq();
  const queue = ActivemqDesk.name();
  const found: string[] = [];
  const login = { user: "writer", password: ACTIVEMQ_USERS.writer };
  return {
    port: activemq.port,
    reachedAt: (port) => ({
      webhook: { module: "activemq", "module-config": { destination: queue } },
      connection: { type: "activemq", host: "127.0.0.1", port, ...login },
    }),
    freeze: () => activemq.freeze(),
    thaw: () => activemq.thaw(),
    // A shell starts it again by itself.
    kill: () => activemq.killAndRestart(),
    restart: () => activemq.waitUntilServing(),
    count: async () => {
      await using desk = await ActivemqDesk.open(activemq.port);
      for (const { headers } of await desk.take(queue)) found.push(headers["cwm-event-id"] ?? "");
      return countIds(found);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A queue of what speaks like SQS. */
export async function startAwsSqs({ persistent = false }: HungServerOptions = {}): Promise<HungServer> {
  const server = await FauxqsProcess.start({ persistent });
  const desk = new QueueDesk(server.port);
  const url = await desk.make(TOPIC);
  const found: string[] = [];
  return {
    port: server.port,
    reachedAt: (port) => ({
      webhook: { module: "aws_sqs", "module-config": { queue_name: TOPIC } },
      connection: { type: "aws_sqs", endpoint_url: `http://127.0.0.1:${port}`, ...KEYS },
    }),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    count: async () => {
      for (const message of await desk.take(url)) found.push(queueEventIdOf(message));
      return countIds(found);
    },
    [Symbol.asyncDispose]: async () => {
      await desk[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A bucket of what speaks like S3. Keys are ids of events, so that none can be there twice. */
export async function startS3({ persistent = false }: HungServerOptions = {}): Promise<HungServer> {
  const server = await FauxqsProcess.start({ persistent });
  const desk = new BucketDesk({ port: server.port, root: KEYS });
  await desk.makeBucket(TOPIC);
  return {
    port: server.port,
    reachedAt: (port) => ({
      webhook: { module: "s3", "module-config": { bucket: TOPIC, key: "{event_id}" } },
      connection: { type: "s3", endpoint_url: `http://127.0.0.1:${port}`, ...KEYS },
    }),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    count: async () => countIds(await desk.keys(TOPIC)),
    [Symbol.asyncDispose]: async () => {
      desk[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A peer that acknowledges what it has written to a file. */
export async function startWebsocket(): Promise<HungServer> {
  const peer = await WebsocketPeer.start();
  return {
    port: peer.port,
    reachedAt: (port) => ({
      webhook: {
        module: "websocket",
        "module-config": { url: peer.url("/ack", port), allowed_hosts: ["127.0.0.1"], acknowledgement: {} },
      },
    }),
    freeze: () => peer.freeze(),
    thaw: () => peer.thaw(),
    kill: () => peer.kill(),
    restart: () => peer.restart(),
    count: async () => countIds((await peer.messages()).map(({ data }) => JSON.parse(data).event_id)),
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

/** A PostgreSQL with a table. */
export async function startPostgresql(): Promise<HungServer> {
  const server = await PostgresServer.start();
  await server.query(`create table ${TABLE} (id text primary key, payload jsonb)`);
  return {
    port: server.port,
    reachedAt: (port) => ({
      webhook: { module: "postgresql", "module-config": { table: TABLE } },
      connection: { type: "postgresql", host: "127.0.0.1", port },
    }),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    count: async () => countIds((await server.query(`select id from ${TABLE}`)).map(({ id }) => String(id))),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A MariaDB with a table. */
export async function startMysql(): Promise<HungServer> {
  const server = await MariadbServer.start();
  const database = await server.createDatabase();
  await database.sql(`create table ${TABLE} (id varchar(64) primary key, payload json)`);
  return {
    port: server.port,
    reachedAt: (port) => ({
      webhook: { module: "mysql", "module-config": { table: TABLE } },
      connection: { type: "mysql", host: "127.0.0.1", port, database: database.name },
    }),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    count: async () => countIds((await database.sql(`select id from ${TABLE}`)).map(([id = ""]) => id)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A ClickHouse with a table. */
export async function startClickhouse(): Promise<HungServer> {
  const clickhouse = await ClickhouseServer.start();
  await clickhouse.createTable(TABLE);
  return {
    port: clickhouse.port,
    reachedAt: (port) => ({
      webhook: { module: "clickhouse", "module-config": { table: TABLE } },
      connection: { type: "clickhouse", host: "127.0.0.1", http_port: port },
    }),
    freeze: () => clickhouse.freeze(),
    thaw: () => clickhouse.thaw(),
    kill: () => clickhouse.kill(),
    restart: () => clickhouse.restart(),
    count: async () => countIds((await clickhouse.rows(TABLE)).map(({ id }) => String(id))),
    [Symbol.asyncDispose]: () => clickhouse[Symbol.asyncDispose](),
  };
}

/** A server that speaks as Pub/Sub does. It keeps messages in memory: what hangs and is killed is the way to it. */
export async function startGcpPubsub(): Promise<HungServer> {
  const server = await PubsubServer.start();
  server.setTopic(TOPIC, "open");
  const door = TcpProxy.start({ port: server.port });
  return {
    ...faultsOf(door),
    reachedAt: (port) => ({
      webhook: { module: "gcp_pubsub", "module-config": { topic: TOPIC } },
      connection: { type: "gcp_pubsub", project_id: PROJECT, emulator_host: `127.0.0.1:${port}` },
    }),
    count: () =>
      Promise.resolve(countIds(server.published.map(({ attributes }) => attributes["cwm-event-id"]!))),
    [Symbol.asyncDispose]: async () => {
      await door[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** What takes records as a stream of Kinesis does. */
export function startKinesis(): Promise<HungServer> {
  return startRecords("kinesis", { stream: TOPIC });
}

/** What takes records as a bus of EventBridge does. */
export function startEventbridge(): Promise<HungServer> {
  return startRecords("eventbridge", { event_bus: TOPIC });
}

/** Records are kept in memory: what hangs and is killed is the way to them. */
async function startRecords(module: string, config: Readonly<Record<string, string>>): Promise<HungServer> {
  const ledger = await RecordLedger.start();
  const door = TcpProxy.start({ port: ledger.port });
  return {
    ...faultsOf(door),
    reachedAt: (port) => ({
      webhook: { module, "module-config": config },
      connection: { type: module, endpoint_url: `http://127.0.0.1:${port}`, ...KEYS },
    }),
    repeats: OVER_KEPT_CONNECTIONS,
    count: () => Promise.resolve(countIds(ledger.ids)),
    [Symbol.asyncDispose]: async () => {
      await door[Symbol.asyncDispose]();
      await ledger[Symbol.asyncDispose]();
    },
  };
}

/** What happens to a server happens on the way to it. */
function faultsOf(door: TcpProxy): Pick<HungServer, "port" | "freeze" | "thaw" | "kill" | "restart"> {
  return {
    port: door.port,
    freeze: () => door.freeze(),
    thaw: () => door.thaw(),
    kill: async () => {
      await door.refuse();
      door.cut();
    },
    restart: () => Promise.resolve(door.accept()),
  };
}

/** An HTTP server that writes down what it gets before it answers. */
export async function startHttp(): Promise<HungServer> {
  const ledger = await HttpLedger.start();
  return {
    port: ledger.port,
    reachedAt: (port) => ({
      webhook: {
        module: "http_webhook",
        "module-config": { url: `http://127.0.0.1:${port}/`, allowed_hosts: ["127.0.0.1"] },
      },
    }),
    freeze: () => ledger.freeze(),
    thaw: () => ledger.thaw(),
    kill: () => ledger.kill(),
    restart: () => ledger.restart(),
    repeats: OVER_KEPT_CONNECTIONS,
    count: async () => countIds(await ledger.ids()),
    [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose](),
  };
}

function countIds(ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
