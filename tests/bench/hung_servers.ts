/** The servers of {@linkcode benchHung}, all asked for the same. */

import { ActivemqDesk } from "../support/activemq/desk.ts";
import { ACTIVEMQ_USERS } from "../support/activemq/server.ts";
import { sharedActivemq } from "../support/activemq/shared.ts";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { KafkaServer } from "../support/kafka/server.ts";
import { eventIdOf, MosquittoServer } from "../support/mqtt/server.ts";
import { eventIdOf as eventIdIn } from "../support/nats/desk.ts";
import { NatsServer } from "../support/nats/server.ts";
import { RabbitmqDesk } from "../support/rabbitmq/desk.ts";
import { RabbitmqServer } from "../support/rabbitmq/server.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { RedisServer } from "../support/redis/server.ts";
import { streamTexts } from "../support/redis/stream.ts";

/** A server that can hang, and what the gateway needs for it. */
export interface HungServer extends AsyncDisposable {
  readonly webhook: Readonly<Record<string, unknown>>;
  readonly connection: Readonly<Record<string, unknown>>;
  /** Keeps its connections and answers nothing. */
  freeze(): void | Promise<void>;
  thaw(): void | Promise<void>;
  /** How often each event is in it, by the event's id. */
  count(): Promise<ReadonlyMap<string, number>>;
}

const TOPIC = "orders";
const TABLE = "webhook_logs";

/** Three brokers. */
export async function startKafka(): Promise<HungServer> {
  const kafka = await KafkaServer.start({ brokers: 3 });
  await kafka.createTopic(TOPIC, 6);
  return {
    webhook: { module: "kafka", "module-config": { topic: TOPIC } },
    connection: { type: "kafka", bootstrap_servers: kafka.bootstrap },
    freeze: () => kafka.freeze(),
    thaw: () => kafka.thaw(),
    count: async () =>
      countIds((await kafka.consume(TOPIC)).map(({ headers }) => new Map(headers).get("cwm-event-id") ?? "")),
    [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
  };
}

/** A Mosquitto, and somebody who reads everything. */
export async function startMqtt(): Promise<HungServer> {
  const broker = await MosquittoServer.start();
  const reader = await broker.read();
  return {
    webhook: { module: "mqtt", "module-config": { topic: TOPIC } },
    connection: { type: "mqtt", host: "127.0.0.1", port: broker.port },
    freeze: () => broker.freeze(),
    thaw: () => broker.thaw(),
    count: async () => countIds((await reader.messages()).map(eventIdOf)),
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

/** A NATS server with a stream. */
export async function startNats(): Promise<HungServer> {
  const server = await NatsServer.start();
  await (await server.desk()).createStream("ORDERS", [TOPIC]);
  return {
    webhook: { module: "nats", "module-config": { subject: TOPIC } },
    connection: { type: "nats", servers: `127.0.0.1:${server.port}` },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    count: async () => countIds((await (await server.desk()).messages("ORDERS")).map(eventIdIn)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A Redis with jobs. */
export async function startRedis(): Promise<HungServer> {
  const redis = await RedisServer.start({ persistent: false });
  return {
    webhook: { module: "redis_rq", "module-config": { function: "shop.tasks.record" } },
    connection: { type: "redis-rq", host: "127.0.0.1", port: redis.port },
    freeze: () => redis.freeze(),
    thaw: () => redis.thaw(),
    count: async () => {
      const jobs = await redis.call("LRANGE", "rq:queue:default", 0, -1) as string[];
      return countIds(jobs.map((job) => job.slice(0, job.lastIndexOf("-"))));
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** A Redis with a stream. */
export async function startRedisStream(): Promise<HungServer> {
  const redis = await RedisServer.start({ persistent: false });
  return {
    webhook: { module: "redis_stream", "module-config": { stream: "orders" } },
    connection: { type: "redis", host: "127.0.0.1", port: redis.port },
    freeze: () => redis.freeze(),
    thaw: () => redis.thaw(),
    count: async () => countIds(await streamTexts(redis, "orders", "event_id")),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** A Redis with tasks. */
export async function startTaskQueue(): Promise<HungServer> {
  const redis = await RedisServer.start({ persistent: false });
  return {
    webhook: { module: "task_queue", "module-config": { protocol: "dramatiq", function: "record" } },
    connection: { type: "redis-rq", host: "127.0.0.1", port: redis.port },
    freeze: () => redis.freeze(),
    thaw: () => redis.thaw(),
    count: async () => {
      const tasks = await redis.call("LRANGE", "dramatiq:default", 0, -1) as string[];
      return countIds(tasks.map((task) => task.slice(0, task.lastIndexOf("-"))));
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** A RabbitMQ, whose queue is made by the first event. */
export async function startRabbitmq(): Promise<HungServer> {
  const rabbitmq = await RabbitmqServer.start();
  const found: string[] = [];
  return {
    webhook: { module: "rabbitmq", "module-config": { queue_name: TOPIC } },
    connection: { type: "rabbitmq", host: "127.0.0.1", port: rabbitmq.port },
    freeze: () => rabbitmq.freeze(),
    thaw: () => void rabbitmq.thaw(),
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
  return {
    webhook: { module: "activemq", "module-config": { destination: queue } },
    connection: {
      type: "activemq",
      host: "127.0.0.1",
      port: activemq.port,
      user: "writer",
      password: ACTIVEMQ_USERS.writer,
    },
    freeze: () => activemq.freeze(),
    thaw: () => activemq.thaw(),
    count: async () => {
      await using desk = await ActivemqDesk.open(activemq.port);
      for (const { headers } of await desk.take(queue)) found.push(headers["cwm-event-id"] ?? "");
      return countIds(found);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A PostgreSQL with a table. */
export async function startPostgresql(): Promise<HungServer> {
  const server = await PostgresServer.start();
  await server.query(`create table ${TABLE} (id text primary key, payload jsonb)`);
  return {
    webhook: { module: "postgresql", "module-config": { table: TABLE } },
    connection: { type: "postgresql", host: "127.0.0.1", port: server.port },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    count: async () => countIds((await server.query(`select id from ${TABLE}`)).map(({ id }) => String(id))),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A ClickHouse with a table. */
export async function startClickhouse(): Promise<HungServer> {
  const clickhouse = await ClickhouseServer.start();
  await clickhouse.createTable(TABLE);
  return {
    webhook: { module: "clickhouse", "module-config": { table: TABLE } },
    connection: { type: "clickhouse", host: "127.0.0.1", http_port: clickhouse.port },
    freeze: () => clickhouse.freeze(),
    thaw: () => clickhouse.thaw(),
    count: async () => countIds((await clickhouse.rows(TABLE)).map(({ id }) => String(id))),
    [Symbol.asyncDispose]: () => clickhouse[Symbol.asyncDispose](),
  };
}

function countIds(ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
