/**
 * The Redis outputs against a bare client that sends the same batches in the same run.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { join } from "@std/path";
import { Redis } from "ioredis";
import type { OutputModule } from "../../src/modules/module.ts";
import { redisPublishModule } from "../../src/modules/redis/redis_publish.ts";
import { redisRqModule } from "../../src/modules/redis/rq/redis_rq.ts";
import { redisStreamModule } from "../../src/modules/redis/stream/redis_stream.ts";
import { taskQueueModule } from "../../src/modules/redis/task_queue/task_queue.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RedisServer } from "../support/redis/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { LARGE_BODY, SMALL_BODY } from "./bodies.ts";
import { FLOOR_SCRIPTS, floorCommand, type FloorKind } from "./redis_floor.ts";
import { comparableLoad, type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";

const FUNCTION = "shop.tasks.record";
const SECRET = "a secret of the benchmark alone";

/** How batches are handed over directly. */
const BATCH = 128;
const DIRECT_EVENTS = 30 * 1024;
const DIRECT: BatchLoad = { events: DIRECT_EVENTS, batch: BATCH, atOnce: 4 };

/** One kind of delivery, in both forms in which it is measured. */
interface Variant {
  readonly name: string;
  readonly module: OutputModule;
  readonly connectionType: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly floor: FloorKind;
}

/** The bodies that are sent from `POST`, and what they are called. */
const SIZES = [["196 B", SMALL_BODY], ["19 KB", LARGE_BODY]] as const;

/** Which of them are measured together. */
export type RedisSystem = "redis" | "redis_stream" | "task_queue";

const OF_REDIS: readonly Variant[] = [
  {
    name: "redis_rq, pickle",
    module: redisRqModule as OutputModule,
    connectionType: "redis-rq",
    config: { function: FUNCTION },
    floor: "pickle",
  },
  {
    name: "redis_rq, json",
    module: redisRqModule as OutputModule,
    connectionType: "redis-rq",
    config: { function: FUNCTION, serializer: "json" },
    floor: "json",
  },
  {
    name: "redis_publish",
    module: redisPublishModule as OutputModule,
    connectionType: "redis",
    config: { channel: "output" },
    floor: "message",
  },
];

const VARIANTS: Readonly<Record<RedisSystem, readonly Variant[]>> = {
  redis: OF_REDIS,
  redis_stream: [{
    name: "redis_stream",
    module: redisStreamModule as OutputModule,
    connectionType: "redis",
    config: { stream: "output" },
    floor: "stream",
  }],
  task_queue: (["celery", "dramatiq", "arq", "taskiq"] as const).map((protocol) => ({
    name: `task_queue, ${protocol}`,
    module: taskQueueModule as OutputModule,
    connectionType: "redis-rq",
    config: { protocol, function: FUNCTION },
    floor: protocol,
  })),
};

/**
 * Measures from `POST` at a gateway process to the answer, which comes after Redis has the event, and then with batches
 * that are handed to the output directly, as the gateway does it out of its journal.
 */
export async function benchRedis(system: RedisSystem, options: LoadOptions): Promise<readonly OutputRow[]> {
  await using redis = await RedisServer.start({ persistent: false });
  const rows: OutputRow[] = [];
  for (const variant of VARIANTS[system]) {
    for (const [size, body] of SIZES) rows.push(await measurePosts(variant, size, body, redis, options));
  }
  return [...rows, ...await measureAllBatches(system, options.rounds)];
}

async function measureAllBatches(system: RedisSystem, rounds: number): Promise<readonly OutputRow[]> {
  await using redis = await RedisServer.start({ persistent: false });
  const rows: OutputRow[] = [];
  for (const variant of VARIANTS[system]) rows.push(await measureBatches(variant, redis, rounds));
  return rows;
}

async function measurePosts(
  variant: Variant,
  size: string,
  body: string,
  redis: RedisServer,
  options: LoadOptions,
): Promise<OutputRow> {
  await using directory = await TempDir.create();
  const gateway = await gatewayOf(variant, body, REPOSITORY, redis, directory);
  const program = join(REPOSITORY, "tests/bench/servers/floor_redis.ts");
  const floor: Contestant = {
    name: "floor",
    program: [program, "PORT", String(redis.port), variant.floor, SECRET],
    ...signedRequest(body),
  };
  const rates: Record<string, number[]> = { gateway: [], floor: [] };
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of [floor, gateway]) {
      await redis.call("FLUSHALL");
      const [measurement] = (await measureInTurn([contestant], { ...options, rounds: 1 })).values();
      rates[contestant.name]!.push(measurement!.requestsPerSecond);
    }
  }
  return medianRow(`${variant.name}, ${size}, from POST`, rates["gateway"]!, rates["floor"]!);
}

/** With an empty Redis for each program that starts. */
export async function compareRedis(
  system: RedisSystem,
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const redis = resources.use(await RedisServer.start({ persistent: false }));
  return VARIANTS[system].flatMap((variant) =>
    SIZES.map(([size, body]) =>
      comparableLoad(`${variant.name}, ${size}, from POST`, options, async (root) => {
        await redis.call("FLUSHALL");
        return await gatewayOf(variant, body, root, redis, await directories.of(root));
      })
    )
  );
}

/** What both have to do with a request before they deliver it: check its signature, and parse it. */
function signedRequest(body: string): Pick<Contestant, "path" | "body" | "headers"> {
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  return { path: "/webhook/default", body, headers: { "X-Signature": signature } };
}

/** A gateway that answers when Redis has the event. */
async function gatewayOf(
  { module, connectionType, config }: Variant,
  body: string,
  root: string,
  redis: RedisServer,
  directory: TempDir,
): Promise<Contestant> {
  const hmac = { secret: SECRET, header: "X-Signature" };
  const webhook = { module: module.name, accept: "delivered", hmac, "module-config": config };
  const connection = { type: connectionType, host: "127.0.0.1", port: redis.port };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { redis: connection }),
    },
    ...signedRequest(body),
  };
}

async function measureBatches(variant: Variant, redis: RedisServer, rounds: number): Promise<OutputRow> {
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await redis.call("FLUSHALL");
    floor.push(await bareRate(variant, redis.port));
    await redis.call("FLUSHALL");
    measured.push(await outputRate(variant, redis.port));
  }
  return medianRow(`${variant.name}, batches of ${BATCH}`, measured, floor);
}

async function outputRate({ module, config }: Variant, port: number): Promise<number> {
  await using output = await OpenOutput.open(module, { host: "127.0.0.1", port });
  await output.probe();
  const events = Array.from({ length: DIRECT_EVENTS }, () => verifiedEvent({ body: SMALL_BODY }));
  // The gateway has found out what the bodies are before it hands them over.
  for (const { body } of events) body.isJson();
  return await batchRate(DIRECT, async (start) => {
    const results = await output.deliver(events.slice(start, start + BATCH), config);
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate({ floor }: Variant, port: number): Promise<number> {
  const redis = new Redis(port, "127.0.0.1", { protocol: 2, scripts: FLOOR_SCRIPTS });
  await redis.ping();
  const headers = new Headers({ "content-type": "application/json" });
  const rate = await batchRate(DIRECT, async (start) => {
    const commands: unknown[][] = [];
    for (let index = start; index < start + BATCH; index++) {
      commands.push(floorCommand(floor, `event-of-the-floor-${index}`, SMALL_BODY, headers));
    }
    const replies = await redis.pipeline(commands).exec() ?? [];
    for (const [error] of replies) if (error !== null) throw error;
  });
  redis.disconnect();
  return rate;
}
