/** JSON that is small as sent, and large as values. */

import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../../faults/random.ts";
import { eventually } from "../../support/eventually.ts";
import { HttpTarget } from "../../support/http/target.ts";
import { RedisServer } from "../../support/redis/server.ts";
import type { Attack } from "../attack.ts";
import { HostileRequests } from "../hostile_request.ts";
import { HostileSenders } from "../hostile_sender.ts";
import { type Answer, countAnswers, gzip, httpWebhook, MIB, mib, Victim } from "../victim.ts";

const LIMITS = { MAX_INFLIGHT_BYTES: String(64 * MIB) };
const ZIPPED = { "content-encoding": "gzip" };

/** How much more memory the gateway may take, under attack with `LIMITS`, than in ordinary service. */
const MAX_MORE_BYTES = 192 * MIB;

/** How much more it may hold when the attack is over for half a minute. */
const MAX_KEPT_BYTES = 30 * MIB;

const SEARCH_MS = 10_000;
const SEARCH_SEED = 20_261;

const tooComplex: Attack = {
  name: "json-limits",
  behaviour: "JSON that is too deep, or of too many values, is refused and nothing else is",
  async run() {
    await using target = await HttpTarget.start();
    const delivered = httpWebhook(target.url, { accept: "delivered" });
    await using victim = await Victim.start({ webhooks: { a: { module: "log" }, delivered } });
    const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    for (const webhook of ["a", "delivered"]) {
      const many = await victim.post(webhook, gzip(`[${"1,".repeat(1_000_000)}1]`), ZIPPED);
      const deeper = [1_001, 100_000, 5_000_000].map((levels) =>
        victim.post(webhook, gzip(deep(levels)), ZIPPED)
      );
      assertEquals(countAnswers([many, ...await Promise.all(deeper)]), "413 json_too_complex: 4");
      assertEquals((await victim.post(webhook, deep(1_000))).status, 200);
      assertEquals((await victim.post(webhook, gzip(`[${"1,".repeat(999_000)}1]`), ZIPPED)).status, 200);
    }
    return "413 above 1,000 levels and 1,000,000 values";
  },
};

const manyValues: Attack = {
  name: "many-values",
  behaviour: "values of small bodies count in the memory of requests while an output hangs",
  async run() {
    await using target = await HttpTarget.start();
    target.answer("hang");
    const webhooks = {
      a: httpWebhook(target.url, { accept: "delivered" }, { timeout: 4 }),
      ok: { module: "log" },
    };
    await using victim = await Victim.start({ webhooks, env: LIMITS });
    await serveOrdinarily(victim, "ok");
    await using watch = await victim.watch();
    const bodies = [3_495_000, 300_000].map((values) => gzip(`[${"{},".repeat(values)}{}]`));
    const answers: Answer[] = await Promise.all(
      Array.from({ length: 40 }, (_, index) => victim.post("a", bodies[index % 2]!, ZIPPED)),
    );
    const { firstBytes, peakBytes, longestSilenceMs } = await watch.observe();
    const more = peakBytes - firstBytes;
    assert(victim.isAlive, "the process has ended");
    assert(more < MAX_MORE_BYTES, `${mib(more)} more; ${countAnswers(answers)}`);
    return `${mib(more)} more, silent ${longestSilenceMs.toFixed(0)} ms; ${countAnswers(answers)}`;
  },
};

const search: Attack = {
  name: "generated-bodies",
  behaviour: "no generated body takes more than 192 MiB, and all is given back",
  async run() {
    await using target = await HttpTarget.start();
    target.answer("hang");
    const webhooks = {
      ok: { module: "log" },
      hung: httpWebhook(target.url, { accept: "delivered" }, { timeout: 2 }),
      blob: httpWebhook(target.url, { accept: "delivered", data_type: "blob" }, { timeout: 2 }),
      signed: { module: "log", hmac: { secret: "s" } },
    };
    const env = { ...LIMITS, BODY_TIMEOUT_MS: "1000", LOG_LEVEL: "info" };
    await using victim = await Victim.start({ webhooks, env });
    await serveOrdinarily(victim, "ok");
    await using watch = await victim.watch();
    const answers: Answer[] = [];
    const senders = new HostileSenders({
      port: victim.port,
      count: 24,
      requests: new HostileRequests(new SeededRandom(SEARCH_SEED), Object.keys(webhooks)),
      onAnswer: (answer) => answers.push(answer),
    });
    // How long the attack lasts.
    await new Promise((resolve) => setTimeout(resolve, SEARCH_MS));
    const { firstBytes, peakBytes, longestSilenceMs } = await watch.observe();
    await senders.stop();
    assert(victim.isAlive, "the process has ended");
    const more = peakBytes - firstBytes;
    assert(more < MAX_MORE_BYTES, `${mib(more)} more after ${senders.sent} requests of seed ${SEARCH_SEED}`);
    const kept = () => victim.bytes - firstBytes;
    await eventually(
      () =>
        assert(
          kept() < MAX_KEPT_BYTES,
          `${mib(kept())} are kept, of ${mib(more)} more than ${mib(firstBytes)}`,
        ),
      {
        timeoutMs: 30_000,
        intervalMs: 100,
      },
    );
    assert(answers.some(({ status }) => status === 200), countAnswers(answers));
    return `${senders.sent} requests: ${mib(more)} more, ${mib(kept())} kept, silent ${
      longestSilenceMs.toFixed(0)
    } ms`;
  },
};

/** How long a body may be worked on without giving way, in milliseconds of a processor. */
const MOST_OF_A_TURN_MS = 50;

const pickles: Attack = {
  name: "pickled-numbers",
  behaviour: "a job of many numbers takes a time as long as its body, and holds up nobody",
  async run() {
    await using redis = await RedisServer.start({ persistent: false });
    await using victim = await Victim.start({
      webhooks: {
        q: { module: "redis_rq", connection: "rq", "module-config": { function: "shop.tasks.f" } },
      },
      connections: { rq: { type: "redis-rq", host: "127.0.0.1", port: redis.port } },
    });
    const pickled = async (values: string) => {
      const before = Number(await redis.call("LLEN", "rq:queue:default"));
      const begun = performance.now();
      assertEquals((await victim.post("q", `{"values":[${values}]}`)).status, 200);
      await eventually(async () => {
        assertEquals(Number(await redis.call("LLEN", "rq:queue:default")), before + 1);
      }, { timeoutMs: 60_000 });
      return performance.now() - begun;
    };
    const longest: string[] = [];
    for (const item of ["1234", `"ab"`, `[[1]]`]) {
      const few = Math.max(20, await pickled(`${`${item},`.repeat(30_000)}${item}`));
      await using watch = await victim.watch();
      const many = await pickled(`${`${item},`.repeat(300_000)}${item}`);
      const { longestBusyMs, longestSilenceMs } = await watch.observe();
      assert(many < 40 * few, `30,000 of ${item}: ${few.toFixed(0)} ms, 300,000: ${many.toFixed(0)} ms`);
      assert(
        longestBusyMs < 3 * MOST_OF_A_TURN_MS,
        `/livez waited for ${longestBusyMs.toFixed(0)} ms of work`,
      );
      longest.push(
        `${many.toFixed(0)} ms, silent ${longestSilenceMs.toFixed(0)}, busy ${longestBusyMs.toFixed(0)}`,
      );
    }
    return `300,000 values: ${longest.join("; ")}`;
  },
};

/** Attacks by what a body holds. */
export const jsonAttacks: readonly Attack[] = [tooComplex, manyValues, search, pickles];

/** Memory is compared with that of a gateway that has served for a while. */
async function serveOrdinarily(victim: Victim, webhook: string): Promise<void> {
  const body = JSON.stringify({
    action: "push",
    items: Array.from({ length: 200 }, (_, number) => ({ number })),
  });
  for (let round = 0; round < 60; round++) {
    await Promise.all(Array.from({ length: 32 }, () => victim.post(webhook, body)));
  }
}
