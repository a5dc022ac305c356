// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task search:memory`: searches for requests that make the gateway's memory grow beyond its promise. With
 * `MAX_INFLIGHT_BYTES` of 64 MiB it may exceed by 192 MiB what it is under ordinary load, in samples of 50 ms, and
 * 30 seconds later by 30 MiB.
 *
 *     deno task search:memory                    60 bursts after a minute of ordinary load
 *     SEED=7 BURSTS=1 LOAD_MS=5000 deno task search:memory   one burst again
 *
 * The seed of every burst is printed. The exit status is 0 only if none broke the promise.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { burstVictim, generateBurst, send } from "./memory_burst.ts";
import { MIB, mib, Victim } from "./victim.ts";
import { Watch } from "./watch.ts";

const MAX_MORE = 192 * MIB;
const MAX_LEFT = 30 * MIB;
const SETTLE_MS = 30_000;

/** Connections of ordinary load, each with a request every so many milliseconds. */
const ORDINARY_SENDERS = 16;
const ORDINARY_PAUSE_MS = 5;
const ORDINARY_BODY = JSON.stringify({
  order: 1234,
  lines: Array.from({ length: 20 }, (_, line) => ({ line })),
});

const setting = (name: string, otherwise: number) => Number(Deno.env.get(name) ?? otherwise);

Deno.exit(await main());

async function main(): Promise<number> {
  const seed = setting("SEED", Math.floor(Math.random() * 1_000_000));
  const bursts = setting("BURSTS", 60);
  await using slow = serve(() => new Promise(() => {}));
  await using quick = serve(async (request) => {
    await request.bytes();
    return new Response();
  });
  const options = burstVictim(slow.url, quick.url);
  await using victim = await Victim.start(options);
  await ordinaryLoad(victim, setting("LOAD_MS", 60_000));
  const ordinary = victim.bytes;
  console.log(`ordinary ${mib(ordinary)}, seeds ${seed} to ${seed + bursts - 1}`);
  let failed = 0;
  for (let number = 0; number < bursts; number++) {
    if (!await tryBurst(victim, seed + number, Object.keys(options.webhooks), ordinary)) failed++;
    if (!victim.isAlive) return 1;
  }
  console.log(`${bursts - failed} bursts were within the promise, ${failed} were not`);
  return failed === 0 ? 0 : 1;
}

/** A destination on a free port of this machine. */
function serve(answer: (request: Request) => Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: async () => void await Promise.race([server.shutdown(), sleep(1_000)]),
  };
}

async function ordinaryLoad(victim: Victim, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  const url = `http://127.0.0.1:${victim.port}/webhook/`;
  await Promise.all(Array.from({ length: ORDINARY_SENDERS }, async (_, sender) => {
    while (performance.now() < end) {
      const answer = await fetch(url + (sender % 2 === 0 ? "log" : "durable"), {
        method: "POST",
        body: ORDINARY_BODY,
      });
      await answer.body?.cancel();
      // The pace of the load.
      await sleep(ORDINARY_PAUSE_MS);
    }
  }));
}

/** Sends the burst of a seed, prints what was seen, and returns whether the promise was kept. */
async function tryBurst(
  victim: Victim,
  seed: number,
  webhooks: readonly string[],
  ordinary: number,
): Promise<boolean> {
  const burst = await generateBurst(seed, webhooks);
  const { statuses, peakBytes, longestSilenceMs } = await watched(victim, () => send(victim, burst));
  const more = peakBytes - ordinary;
  const settledAfter = await settle(victim, ordinary + MAX_LEFT);
  const left = victim.bytes - ordinary;
  const kept = victim.isAlive && more <= MAX_MORE && left <= MAX_LEFT;
  const counts = Array.from(statuses, ([status, count]) => `${status}: ${count}`).join(", ");
  console.log(
    `${kept ? "kept  " : "BROKEN"} seed ${seed}: +${mib(more)}, left ${mib(left)} after ` +
      `${(settledAfter / 1000).toFixed(1)} s, silent ${
        longestSilenceMs.toFixed(0)
      } ms (${counts}) ${burst.name}`,
  );
  return kept;
}

async function watched(victim: Victim, act: () => Promise<Map<number, number>>) {
  await using watch = await Watch.begin({ pid: victim.pid, port: victim.port });
  const statuses = await act();
  return { statuses, ...await watch.observe() };
}

/** Waits until no more than so many bytes are left, for half a minute at most, and returns how long it took. */
async function settle(victim: Victim, bytes: number): Promise<number> {
  const begun = performance.now();
  while (victim.bytes > bytes && performance.now() - begun < SETTLE_MS) await sleep(200);
  return performance.now() - begun;
}
