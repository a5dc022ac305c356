import { assertEquals } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import type { ChildProcess } from "../support/process/child_process.ts";
import { RelayProcesses } from "../support/relay/processes.ts";
import { PullClient } from "../support/relay/pull_client.ts";
import { readPullPrograms, startPullProgram } from "../support/relay/pull_programs.ts";
import { RELAY_TOKEN } from "../support/relay/world.ts";

/** Events for consumers that are killed; `deno task test:pull` sends many more. */
const EVENTS = Number(Deno.env.get("PULL_EVENTS") ?? 300);

/** Consumers at once, and for how long each may live, in milliseconds. */
const CONSUMERS = 3;
const LIFE_MS = { least: 20, most: 1_000 };

const SENDERS = 4;

/** For how long a consumer may find nothing although others have not handled everything, in milliseconds. */
const IDLE_MS = 600_000;

const encoder = new TextEncoder();

const programs = await readPullPrograms();

/** What a consumer has printed of an event before it acknowledged it. */
const HANDLED = /^\S+ \{"n":(\d+)\}$/;

Deno.test("the example with curl takes an event and acknowledges it", async () => {
  await using relay = await RelayProcesses.start();
  await relay.send("orders", 7);
  await using consumer = startPullProgram("bash", ["-e", "-c", programs.bash], relay.gateway.url);
  assertEquals((await consumer.exited).code, 0, consumer.output);
  const [answer, acknowledged] = consumer.lines.map(({ text }) => JSON.parse(text));
  assertEquals(answer.events.map(({ body }: { body: string }) => body), ['{"n":7}']);
  assertEquals(acknowledged, { acknowledged: 1, lost: [] });
});

Deno.test("the example in Python takes what there is and what comes, and acknowledges it", async () => {
  await using relay = await RelayProcesses.start();
  for (let n = 0; n < 12; n++) await relay.send("orders", n);
  await using consumer = startPullProgram("python3", ["-c", programs.python], relay.gateway.url);
  await consumer.waitForLine(/\{"n":11\}$/);
  await relay.send("orders", 12);
  await consumer.waitForLine(/\{"n":12\}$/);
  await eventually(async () => assertEquals(await relay.depth(), 0));
  assertEquals(handledBy(consumer), Array.from({ length: 13 }, (_, n) => n));
});

Deno.test("consumers that are killed at random moments handle every event, and lose none", async () => {
  await using relay = await RelayProcesses.start({ max_queue_size: 1_000_000 });
  const python = programs.python.replace("wait=30", "wait=30, lease=1");
  const sending = Promise.all(Array.from({ length: SENDERS }, async (_, sender) => {
    for (let n = sender; n < EVENTS; n += SENDERS) await relay.send("orders", n);
  }));
  const handled = new Map<number, number>();
  let kills = 0;
  await Promise.all(Array.from({ length: CONSUMERS }, async () => {
    while (handled.size < EVENTS) {
      await using consumer = startPullProgram("python3", ["-c", python], relay.gateway.url);
      // Its life begins with its first event, however slow the machine is, or ends with those of others.
      await eventually(async () => {
        if (consumer.lines.length > 0 || handled.size === EVENTS) return;
        throw new Error(`${handled.size} of ${EVENTS} events were handled, ${await relay.depth()} are left`);
      }, { timeoutMs: IDLE_MS, intervalMs: 50 });
      await sleep(LIFE_MS.least + Math.random() * (LIFE_MS.most - LIFE_MS.least));
      consumer.kill("SIGKILL");
      await consumer.exited;
      kills++;
      for (const n of handledBy(consumer)) handled.set(n, (handled.get(n) ?? 0) + 1);
    }
  }));
  await sending;
  const numbers = [...handled.keys()].sort((a, b) => a - b);
  assertEquals(numbers, Array.from({ length: EVENTS }, (_, n) => n));
  const again = await takeRest(relay);
  assertEquals(again.filter((n) => !handled.has(n)), []);
  assertEquals(await relay.deadLetters(), []);
  const repeats = handled.values().reduce((sum, times) => sum + times - 1, 0);
  // For whoever runs the long form.
  await Deno.stderr.write(encoder.encode(
    `${EVENTS} events, ${kills} kills: each was handled, ${repeats} again, ${again.length} were left to be\n`,
  ));
});

/** The numbers of the events that a consumer has handled: of each it printed a whole line. */
function handledBy(consumer: ChildProcess): number[] {
  return consumer.lines.flatMap(({ stream, text }) => {
    const n = HANDLED.exec(text)?.[1];
    if (stream === "stderr" || n === undefined && consumer.lines.at(-1)?.text !== text) {
      throw new Error(consumer.output);
    }
    return n === undefined ? [] : [Number(n)];
  });
}

/** The numbers of the events that are left in the channel, once their leases are over. */
async function takeRest(relay: RelayProcesses): Promise<number[]> {
  const client = new PullClient(relay.gateway.url, { token: RELAY_TOKEN });
  const rest: number[] = [];
  while (await relay.depth() > 0) {
    const events = await client.receive({ n: 100, wait: 1 });
    if (events.length > 0) await client.ack(...events);
    rest.push(...events.map(({ body }) => (JSON.parse(body ?? "") as { readonly n: number }).n));
  }
  return rest;
}
