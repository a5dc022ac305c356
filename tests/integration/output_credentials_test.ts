/** Passwords of systems behind outputs that change while events come. */

import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { eventIdOf, MosquittoServer } from "../support/mqtt/server.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { RabbitmqDesk } from "../support/rabbitmq/desk.ts";
import { sharedRabbitmq } from "../support/rabbitmq/shared.ts";
import { RedisServer } from "../support/redis/server.ts";
import { streamTexts } from "../support/redis/stream.ts";
import { TempDir } from "../support/temp_dir.ts";

const PATIENCE = { timeoutMs: 60_000 };
const USER = "late";

/** A system that asks for a password. */
interface Guarded {
  readonly config: Readonly<Record<string, unknown>>;
  readonly connection: Readonly<Record<string, unknown>>;
  /** The key of the connection that has the password. @default "password" */
  readonly key?: string;
  /** Makes another password the only one, and ends connections that were opened with one before. */
  change(password: string): Promise<void>;
  /** The ids of the events that have arrived. */
  ids(): Promise<readonly string[]>;
}

type Start = (resources: AsyncDisposableStack) => Promise<Guarded>;

const SYSTEMS: Readonly<Record<string, Start>> = {
  rabbitmq: async (resources) => {
    const server = await sharedRabbitmq();
    const desk = resources.use(new RabbitmqDesk(server.port));
    const queue_name = await desk.makeQueue();
    const user = RabbitmqDesk.name();
    await server.control("add_user", user, "first");
    resources.defer(() => server.control("delete_user", user));
    await server.control("set_permissions", user, "^$", ".*", ".*");
    const found: string[] = [];
    return {
      config: { queue_name },
      connection: { type: "rabbitmq", host: "127.0.0.1", port: server.port, user },
      key: "pass",
      change: async (password) => {
        await server.control("change_password", user, password);
        await server.control("close_all_user_connections", user, "changed");
      },
      ids: async () => {
        for (const { properties } of await desk.take(queue_name)) found.push(properties.messageId);
        return found;
      },
    };
  },
  postgresql: async (resources) => {
    const access = ["host all postgres 127.0.0.1/32 trust", `host all ${USER} 127.0.0.1/32 scram-sha-256`];
    const server = resources.use(await PostgresServer.start({ access }));
    await server.query("create table webhook_events (id text primary key, payload jsonb)");
    await server.query(`create role ${USER} login password 'first'`);
    await server.query(`grant select, insert on webhook_events to ${USER}`);
    return {
      config: {},
      connection: {
        type: "postgresql",
        host: "127.0.0.1",
        port: server.port,
        user: USER,
        database: "postgres",
      },
      change: async (password) => {
        await server.query(`alter role ${USER} password '${password}'`);
        await server.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${USER}'`,
        );
      },
      ids: async () => (await server.query("select id from webhook_events")).map(({ id }) => String(id)),
    };
  },
  mqtt: async (resources) => {
    const broker = resources.use(await MosquittoServer.start({ users: { [USER]: "first" } }));
    const reader = await broker.read();
    return {
      config: { topic: "orders" },
      connection: { type: "mqtt", host: "127.0.0.1", port: broker.port, username: USER },
      change: (password) => broker.reload({ users: { [USER]: password } }),
      ids: async () => (await reader.messages()).map(eventIdOf),
    };
  },
  redis_stream: (resources) => startRedis(resources, "redis", "redis_stream"),
  task_queue: (resources) => startRedis(resources, "redis-rq", "task_queue"),
};

async function startRedis(
  resources: AsyncDisposableStack,
  type: string,
  module: "redis_stream" | "task_queue",
): Promise<Guarded> {
  const redis = resources.use(await RedisServer.start({ persistent: false }));
  const change = async (password: string) => {
    await redis.call("ACL", "SETUSER", USER, "reset", "on", `>${password}`, "~*", "&*", "+@all");
    await redis.call("CLIENT", "KILL", "USER", USER);
  };
  await change("first");
  return {
    config: module === "redis_stream" ? { stream: "orders" } : { protocol: "dramatiq", function: "record" },
    connection: { type, host: "127.0.0.1", port: redis.port, username: USER },
    change,
    ids: async () => {
      if (module === "redis_stream") return await streamTexts(redis, "orders", "event_id");
      const tasks = await redis.call("LRANGE", "dramatiq:default", 0, -1) as string[];
      return tasks.map((task) => task.slice(0, task.lastIndexOf("-")));
    },
  };
}

Deno.test("outputs log in with the new password of a file, and have every event that came meanwhile", async () => {
  await using resources = new AsyncDisposableStack();
  const secrets = resources.use(await TempDir.create());
  const systems = new Map<string, Guarded>();
  const webhooks: Record<string, unknown> = {};
  const connections: Record<string, unknown> = {};
  for (const [name, start] of Object.entries(SYSTEMS)) {
    const system = await start(resources);
    systems.set(name, system);
    await secrets.writeText(name, "first");
    connections[name] = { ...system.connection, [system.key ?? "password"]: `{$file:${name}}` };
    webhooks[name] = {
      ...{ module: name, connection: name, "module-config": system.config },
      retry: { initial_delay: 0.1, max_delay: 0.5, max_attempts: 1000 },
    };
  }
  await using gateway = await TestGateway.start({
    webhooks,
    connections,
    environment: { SECRETS_DIR: secrets.path },
  });
  const accepted = new Map<string, string[]>(Array.from(systems, ([name]) => [name, []]));
  const post = async (name: string) => {
    const { status, text } = await gateway.post(`/webhook/${name}`, "{}");
    assertEquals(status, 200, name);
    accepted.get(name)!.push(JSON.parse(text).event_id);
  };
  const haveAll = async () => {
    for (const [name, system] of systems) {
      const ids = await system.ids();
      assertEquals(accepted.get(name)!.filter((id) => !ids.includes(id)), [], name);
    }
  };
  for (const name of systems.keys()) await post(name);
  await eventually(haveAll, PATIENCE);
  await Promise.all(Array.from(systems, async ([name, system]) => {
    await system.change("second");
    for (let count = 0; count < 3; count++) await post(name);
  }));
  const isUp = async () =>
    (await gateway.request("/metrics")).text.matchAll(/^cwm_output_up\{.*connection="(\w+)".*\} (\d)$/gm);
  await eventually(async () => {
    const down = Array.from(await isUp(), ([, name, up]) => up === "0" ? name : []).flat();
    assertEquals(down.toSorted(), [...systems.keys()].toSorted());
  }, PATIENCE);
  for (const name of systems.keys()) await secrets.writeText(name, "second");
  await eventually(haveAll, PATIENCE);
  for (const name of systems.keys()) await post(name);
  await eventually(haveAll, PATIENCE);
  assert([...accepted.values()].every(({ length }) => length === 5));
});
