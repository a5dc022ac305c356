/** Passwords and rights at systems behind outputs that change while events come. */

import { assertEquals } from "@std/assert";
import { ActivemqDesk } from "../support/activemq/desk.ts";
import { ACTIVEMQ_USERS } from "../support/activemq/server.ts";
import { sharedActivemq } from "../support/activemq/shared.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
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
  /** Lets the user write where its events go, or not any more. */
  permit(mayWrite: boolean): Promise<unknown>;
  /** The ids of the events that have arrived. */
  ids(): Promise<readonly string[]>;
}

type Start = (resources: AsyncDisposableStack) => Promise<Guarded>;

const SYSTEMS: Readonly<Record<string, Start>> = {
  activemq: async (resources) => {
    const broker = await sharedActivemq();
    const network = resources.use(TcpProxy.start({ port: broker.port }));
    const desk = resources.use(await ActivemqDesk.open(broker.port));
    const queue = ActivemqDesk.name();
    await desk.subscribe(`/queue/${queue}`);
    resources.defer(() => broker.setPassword(USER, ACTIVEMQ_USERS[USER]));
    return {
      config: { destination: queue },
      connection: { type: "activemq", host: "127.0.0.1", port: network.port, user: USER },
      // Both count from the next login on.
      change: async (password) => {
        await broker.setPassword(USER, password);
        network.cut();
      },
      permit: async (mayWrite) => {
        await broker.setWriters(mayWrite ? ["writer", USER] : ["writer"]);
        network.cut();
      },
      ids: async () => (await desk.read(`/queue/${queue}`)).map(({ headers }) => headers["cwm-event-id"]!),
    };
  },
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
      permit: async (mayWrite) => {
        await server.control("set_permissions", user, "^$", mayWrite ? ".*" : "^$", ".*");
        // Channels that are open go by the rights of before for up to a minute.
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
      permit: (mayWrite) =>
        server.query(
          mayWrite
            ? `grant insert on webhook_events to ${USER}`
            : `revoke insert on webhook_events from ${USER}`,
        ),
      ids: async () => (await server.query("select id from webhook_events")).map(({ id }) => String(id)),
    };
  },
  mqtt: async (resources) => {
    const access = (mayWrite: boolean) => [`user ${USER}`, `topic ${mayWrite ? "write" : "read"} orders`];
    let options = { users: { [USER]: "first" }, access: access(true) };
    const broker = resources.use(await MosquittoServer.start(options));
    const reader = await broker.read();
    const reload = (changed: Partial<typeof options>) => broker.reload(options = { ...options, ...changed });
    return {
      config: { topic: "orders" },
      connection: { type: "mqtt", host: "127.0.0.1", port: broker.port, username: USER },
      change: (password) => reload({ users: { [USER]: password } }),
      permit: (mayWrite) => reload({ access: access(mayWrite) }),
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
    permit: (mayWrite) => redis.call("ACL", "SETUSER", USER, mayWrite ? "~*" : "resetkeys"),
    ids: async () => {
      if (module === "redis_stream") return await streamTexts(redis, "orders", "event_id");
      const tasks = await redis.call("LRANGE", "dramatiq:default", 0, -1) as string[];
      return tasks.map((task) => task.slice(0, task.lastIndexOf("-")));
    },
  };
}

/** A gateway with a webhook for each system, and what it has accepted. */
class AccessWorld implements AsyncDisposable {
  readonly #accepted = new Map<string, string[]>();

  private constructor(
    readonly systems: ReadonlyMap<string, Guarded>,
    readonly secrets: TempDir,
    readonly gateway: TestGateway,
    private readonly resources: AsyncDisposableStack,
  ) {}

  static async start(): Promise<AccessWorld> {
    await using undo = new AsyncDisposableStack();
    const secrets = undo.use(await TempDir.create());
    const systems = new Map<string, Guarded>();
    const webhooks: Record<string, unknown> = {};
    const connections: Record<string, unknown> = {};
    for (const [name, start] of Object.entries(SYSTEMS)) {
      const system = await start(undo);
      systems.set(name, system);
      await secrets.writeText(name, "first");
      connections[name] = { ...system.connection, [system.key ?? "password"]: `{$file:${name}}` };
      webhooks[name] = {
        ...{ module: name, connection: name, "module-config": system.config },
        retry: { initial_delay: 0.1, max_delay: 0.5, max_attempts: 1000 },
      };
    }
    const environment = { SECRETS_DIR: secrets.path };
    const gateway = undo.use(await TestGateway.start({ webhooks, connections, environment }));
    return new AccessWorld(systems, secrets, gateway, undo.move());
  }

  /** Sends an event to each system. */
  async post(): Promise<void> {
    for (const name of this.systems.keys()) {
      const { status, text } = await this.gateway.post(`/webhook/${name}`, "{}");
      assertEquals(status, 200, name);
      const ids = this.#accepted.get(name) ?? [];
      this.#accepted.set(name, [...ids, JSON.parse(text).event_id]);
    }
  }

  /** Waits until each system has all events that were accepted for it. */
  async arrived(): Promise<void> {
    await eventually(async () => {
      for (const [name, system] of this.systems) {
        const ids = await system.ids();
        assertEquals(this.#accepted.get(name)!.filter((id) => !ids.includes(id)), [], name);
      }
    }, PATIENCE);
  }

  /** Waits until each system has refused an event since then. */
  async refused(since: ReadonlyMap<string, number>): Promise<void> {
    await eventually(async () => {
      const now = await this.failures();
      const waiting = [...this.systems.keys()].filter((name) =>
        (now.get(name) ?? 0) <= (since.get(name) ?? 0)
      );
      assertEquals(waiting, []);
    }, PATIENCE);
  }

  /** How many attempts have failed, by the system. */
  async failures(): Promise<ReadonlyMap<string, number>> {
    const { text } = await this.gateway.request("/metrics");
    const counts = new Map<string, number>();
    for (const [, name = "", count] of text.matchAll(FAILED)) {
      counts.set(name, (counts.get(name) ?? 0) + Number(count));
    }
    return counts;
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.resources.disposeAsync();
  }
}

const FAILED = /^cwm_delivery_attempts_failed_total\{.*webhook="(\w+)".*\} (\d+)$/gm;

Deno.test("outputs have every event when passwords and rights have changed, without a restart", async (test) => {
  await using world = await AccessWorld.start();
  const systems = [...world.systems.values()];
  await world.post();
  await world.arrived();

  await test.step("rights that are taken away keep events, and those that are given back let them go", async () => {
    const before = await world.failures();
    await Promise.all(systems.map((system) => system.permit(false)));
    await world.post();
    await world.post();
    await world.refused(before);
    await Promise.all(systems.map((system) => system.permit(true)));
    await world.arrived();
  });

  await test.step("a password that has changed keeps events until its file has it", async () => {
    const before = await world.failures();
    await Promise.all(systems.map((system) => system.change("second")));
    await world.post();
    await world.post();
    await world.refused(before);
    for (const name of world.systems.keys()) await world.secrets.writeText(name, "second");
    await world.arrived();
    await world.post();
    await world.arrived();
  });
});
