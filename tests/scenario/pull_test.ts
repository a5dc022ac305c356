import { assertEquals } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import type { ChildProcess } from "../support/process/child_process.ts";
import { PullClient } from "../support/relay/pull_client.ts";
import { DEBIAN_PYTHON } from "../support/python.ts";
import { readPullPrograms, startPullProgram } from "../support/relay/pull_programs.ts";
import { RELAY_TOKEN, RelayWorld } from "../support/relay/world.ts";

/** Events for consumers that are killed; `deno task test:pull` sends many more. */
const EVENTS = Number(Deno.env.get("PULL_EVENTS") ?? 300);

/** Consumers at once, and for how long each may live, in milliseconds. */
const CONSUMERS = 3;
const LIFE_MS = { least: 20, most: 2_000 };

const SENDERS = 4;

/** For how long a consumer may find nothing although others have not handled everything, in milliseconds. */
const IDLE_MS = 600_000;

const encoder = new TextEncoder();

const programs = await readPullPrograms();

/** What a consumer has printed of an event before it acknowledged it. */
const HANDLED = /^\S+ \{"n":(\d+)\}$/;

Deno.test("the example with curl takes an event and acknowledges it", async () => {
  await using world = await RelayWorld.start();
  await world.send(1, { from: 7 });
  await using consumer = startPullProgram("bash", ["-e", "-c", programs.bash], world.gateway.url(""));
  assertEquals((await consumer.exited).code, 0, consumer.output);
  const [answer, acknowledged] = consumer.lines.map(({ text }) => JSON.parse(text));
  assertEquals(answer.events.map(({ body }: { body: string }) => body), ['{"n":7}']);
  assertEquals(acknowledged, { acknowledged: 1, lost: [] });
});

Deno.test("the example in Python takes what there is and what comes, and acknowledges it", async () => {
  await using world = await RelayWorld.start();
  await world.send(12);
  await using consumer = startPullProgram(DEBIAN_PYTHON, ["-c", programs.python], world.gateway.url(""));
  await consumer.waitForLine(/\{"n":11\}$/);
  await world.send(1, { from: 12 });
  await consumer.waitForLine(/\{"n":12\}$/);
  await world.empty();
  assertEquals(handledBy(consumer), Array.from({ length: 13 }, (_, n) => n));
});

Deno.test("consumers that are killed at random moments handle every event, and lose none", async () => {
  await using world = await RelayWorld.start({ channel: { max_queue_size: 1_000_000 } });
  const python = programs.python.replace("wait=30", "wait=30, lease=1");
  const sending = Promise.all(Array.from({ length: SENDERS }, async (_, sender) => {
    for (let n = sender; n < EVENTS; n += SENDERS) await world.send(1, { from: n });
  }));
  const handled = new Map<number, number>();
  let kills = 0;
  await Promise.all(Array.from({ length: CONSUMERS }, async () => {
    while (handled.size < EVENTS) {
      await using consumer = startPullProgram(DEBIAN_PYTHON, ["-c", python], world.gateway.url(""));
      // Its life begins with its first event, however slow the machine is, or ends with those of others.
      await eventually(async () => {
        if (consumer.lines.length > 0 || handled.size === EVENTS) return;
        throw new Error(`${handled.size} of ${EVENTS} events were handled, ${await depthOf(world)} are left`);
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
  const again = await takeRest(world);
  assertEquals(again.filter((n) => !handled.has(n)), []);
  assertEquals(await world.deadLetters(), []);
  const repeats = handled.values().reduce((sum, times) => sum + times - 1, 0);
  // For whoever runs the long form.
  await Deno.stderr.write(encoder.encode(
    `${EVENTS} events, ${kills} kills: each was handled, ${repeats} again, ${again.length} were left to be\n`,
  ));
});

/**
 * The numbers of the events that a consumer has handled: of each it printed a whole line. It may have failed before it
 * was killed, where the machine stood still for longer than it waits.
 */
function handledBy(consumer: ChildProcess): number[] {
  const texts = consumer.lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text);
  return texts.flatMap((text) => HANDLED.exec(text)?.slice(1).map(Number) ?? []);
}

/** The numbers of the events that are left in the channel, once their leases are over. */
async function takeRest(world: RelayWorld): Promise<number[]> {
  const client = new PullClient(world.gateway.url(""), { token: RELAY_TOKEN });
  const rest: number[] = [];
  while (await depthOf(world) > 0) {
    const events = await client.receive({ n: 100, wait: 1 });
    if (events.length > 0) await client.ack(...events);
    rest.push(...events.map(({ body }) => (JSON.parse(body ?? "") as { readonly n: number }).n));
  }
  return rest;
}

/** How many events stand in the channel, leased or not. */
async function depthOf(world: RelayWorld): Promise<number> {
  const { messages_queued: queued, messages_in_flight: inFlight } = await world.status();
  return queued + inFlight;
}
