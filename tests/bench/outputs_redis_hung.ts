/**
 * What a Redis that hangs for a while does to the other webhooks of a gateway, and whether everything that
 * was accepted is there afterwards, once.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/gateway_process.ts";
import { RedisServer } from "../support/redis_server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { luaScript, runWrk } from "./http_load.ts";

/** The figures of one run. */
export interface HungRedisReport {
  /** 99th percentile of the answers of a `log` webhook, in milliseconds: before and while Redis hangs. */
  readonly quietP99Ms: number;
  readonly hungP99Ms: number;
  /** Events for Redis that were answered with 200, and how many of them have no job or several. */
  readonly accepted: number;
  readonly missing: number;
  readonly repeated: number;
}

/** Requests a second to the webhook that needs Redis. */
const RATE = 200;

/** Connections that send to the other one as fast as they can. */
const CONNECTIONS = 4;

const QUIET_SECONDS = 5;

const WEBHOOKS = {
  printed: { module: "log" },
  jobs: { module: "redis_rq", accept: "delivered", "module-config": { function: "shop.tasks.record" } },
};

/** @param seconds how long Redis hangs */
export async function benchHungRedis(seconds: number): Promise<HungRedisReport> {
  await using redis = await RedisServer.start({ persistent: false });
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", WEBHOOKS);
  await directory.writeJson("connections.json", {
    redis_main: { type: "redis-rq", host: "127.0.0.1", port: redis.port },
  });
  await using gateway = await GatewayProcess.start({ cwd: directory.path });
  await gateway.waitUntilReady();
  const script = await directory.writeText("request.lua", luaScript({ body: '{"number":1}' }));
  const print = (duration: number) => runWrk(`${gateway.url}/webhook/printed`, script, duration, CONNECTIONS);
  const enqueue = (duration: number) => load(`${gateway.url}/webhook/jobs`, duration);
  await Promise.all([print(1), enqueue(1)]);
  const [quiet, quietJobs] = await Promise.all([print(QUIET_SECONDS), enqueue(QUIET_SECONDS)]);
  // Some events are sent before Redis hangs and some after.
  const enqueued = enqueue(seconds + 10);
  await redis.freeze();
  const hung = await print(seconds);
  redis.thaw();
  const jobs = [...quietJobs, ...await enqueued];

  const accepted = jobs.filter((id) => id !== undefined);
  const found = await eventually(() => countJobs(redis));
  return {
    quietP99Ms: quiet.p99Ms,
    hungP99Ms: hung.p99Ms,
    accepted: accepted.length,
    missing: accepted.filter((id) => !found.has(id)).length,
    repeated: [...found.values()].filter((count) => count > 1).length,
  };
}

/** Sends at an even rate, whether answers come or not. Returns the ids of those that were accepted. */
async function load(url: string, seconds: number): Promise<readonly (string | undefined)[]> {
  const answers: Promise<string | undefined>[] = [];
  const startedAt = performance.now();
  for (let number = 0; number < RATE * seconds; number++) {
    const wait = startedAt + number * 1000 / RATE - performance.now();
    if (wait > 0) await sleep(wait);
    answers.push(post(url, `{"number":${number}}`));
  }
  return await Promise.all(answers);
}

async function post(url: string, body: string): Promise<string | undefined> {
  const answer = await fetch(url, { method: "POST", body });
  const { event_id } = await answer.json() as { readonly event_id?: string };
  return event_id;
}

/** How many jobs there are for each event. */
async function countJobs(redis: RedisServer): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const job of await redis.call("LRANGE", "rq:queue:default", 0, -1) as string[]) {
    const event = job.slice(0, job.lastIndexOf("-"));
    counts.set(event, (counts.get(event) ?? 0) + 1);
  }
  return counts;
}
