import { assert, assertEquals } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { assertExact, KafkaWorld, ledgerOf, Senders } from "./kafka_world.ts";
import { RealKafka } from "./real_kafka.ts";

/** How often each fault is brought about. */
const ROUNDS = Number(Deno.env.get("KAFKA_ROUNDS") ?? 20);

/** Two brokers with a topic on both, and one webhook each that answers from the brokers and from the journal. */
async function start() {
  await using undo = new AsyncDisposableStack();
  const kafka = undo.use(await RealKafka.start({ brokers: 2 }));
  await kafka.createTopic("both", { replicas: [[1, 2], [1, 2]] });
  const world = undo.use(
    await KafkaWorld.start(kafka, {
      webhooks: { both: { topic: "both" } },
      durable: { stored: { topic: "both" } },
    }),
  );
  assertEquals((await world.post("both", "first")).status, 200);
  const resources = undo.move();
  return { kafka, world, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

Deno.test(`nothing is missing or there twice after a follower was frozen for 7 s, ${ROUNDS} times`, async () => {
  await using setup = await start();
  const { kafka, world } = setup;
  const accepted: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const senders = new Senders(world, "both", { senders: 11 });
    const stored = new Senders(world, "stored", { senders: 2 });
    await sleep(500);
    kafka.freeze(2);
    await sleep(7_000);
    kafka.thaw(2);
    await sleep(500);
    await Promise.all([senders.stop(), stored.stop()]);
    accepted.push(...senders.accepted, ...stored.accepted);
  }
  await eventually(() => world.isJournalEmpty(), { timeoutMs: 60_000 });
  await assertExact(kafka, "both", accepted);
});

Deno.test(`nothing is missing and nothing there twice after leaders were moved, ${ROUNDS} times`, async () => {
  await using setup = await start();
  const { kafka, world } = setup;
  const senders = new Senders(world, "both", { senders: 11 });
  const stored = new Senders(world, "stored", { senders: 2 });
  for (let round = 0; round < ROUNDS; round++) {
    const replicas = round % 2 === 0 ? [2, 1] : [1, 2];
    await kafka.moveTo("both", [replicas, replicas]);
    await sleep(300);
  }
  await Promise.all([senders.stop(), stored.stop()]);
  await eventually(() => world.isJournalEmpty(), { timeoutMs: 60_000 });
  await assertExact(kafka, "both", [...senders.accepted, ...stored.accepted]);
});

Deno.test(`nothing is missing after events were given up and others sent instead, ${ROUNDS} times`, async () => {
  await using undo = new AsyncDisposableStack();
  const kafka = undo.use(await RealKafka.start({ brokers: 2 }));
  await kafka.createTopic("both", { replicas: [[1, 2]] });
  const world = undo.use(
    await KafkaWorld.start(kafka, { webhooks: { both: { topic: "both", timeout: 1 } } }),
  );
  const accepted: string[] = [];
  let given = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = new Senders(world, "both", { senders: 11 });
    await sleep(300);
    // The leader has the batch, its replica has not, and nobody waits any longer.
    kafka.freeze(2);
    await sleep(2_500);
    kafka.thaw(2);
    await sleep(1_500);
    await before.stop();
    accepted.push(...before.accepted);
    for (const count of before.refused.values()) given += count;
  }
  assert(given > 0, "no event was given up");
  // Those that were given up may be there all the same; what was promised must be, whatever was sent in between.
  const { missing } = await ledgerOf(kafka, "both", accepted);
  assertEquals(missing, [], `of ${accepted.length} accepted, ${given} given up`);
});
