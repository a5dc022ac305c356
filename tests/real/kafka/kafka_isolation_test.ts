import { assert, assertEquals } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { assertExact, KafkaWorld, Senders } from "./kafka_world.ts";
import { RealKafka } from "./real_kafka.ts";

/** A build to compare with, for figures before and after; nothing is then asserted. */
const BEFORE = Deno.env.get("KAFKA_REPOSITORY");

/** The longest time without a 200 for a topic whose leader is well, in milliseconds. */
const MAX_GAP_MS = 2_000;

Deno.test("with one of two brokers frozen for 14 s, the other's topic never lacks a 200 for 2 s", async () => {
  await using kafka = await RealKafka.start({ brokers: 2 });
  await kafka.createTopic("well", { replicas: [[1]] });
  await kafka.createTopic("frozen", { replicas: [[2]] });
  await using world = await KafkaWorld.start(kafka, {
    webhooks: { well: { topic: "well" }, frozen: { topic: "frozen" } },
    durable: { stored: { topic: "well", key: "a" }, stuck: { topic: "frozen" } },
    // After a dozen failures the usual pauses are longer than anybody waits here.
    retry: { max_attempts: 1_000, max_delay: 2 },
    ...(BEFORE === undefined ? {} : { repository: BEFORE }),
  });
  await world.post("well", "first");
  await world.post("frozen", "first");
  const all = ["well", "frozen", "stored", "stuck"].map((webhook) =>
    new Senders(world, webhook, { senders: webhook === "frozen" ? 40 : 4, pauseMs: 20 })
  );
  const [well, frozen, stored, stuck] = all as [Senders, Senders, Senders, Senders];
  await sleep(1_000);
  kafka.freeze(2);
  await sleep(14_000);
  const expected = well.accepted.length + stored.accepted.length;
  const arrived = (await kafka.consume("well", [1])).length;
  kafka.thaw(2);
  await sleep(2_000);
  await Promise.all(all.map((senders) => senders.stop()));
  const figures = `well: ${well.longestGapMs.toFixed(0)} ms without a 200, ${[...well.refused].join(" ")}; ` +
    `frozen: ${frozen.longestGapMs.toFixed(0)} ms, longest answer ${frozen.longestAnswerMs.toFixed(0)} ms, ` +
    `${[...frozen.refused].join(" ")}; ${arrived} of ${expected} in the topic meanwhile`;
  await Deno.stderr.write(new TextEncoder().encode(`${figures}\n`));
  if (BEFORE !== undefined) return;
  assert(well.longestGapMs <= MAX_GAP_MS, figures);
  assertEquals([...well.refused], []);
  assert(arrived > 0.9 * expected, figures);
  // A broker on a busy machine takes its time until the cluster lets it lead again.
  await eventually(async () => assertEquals(await kafka.leadersOf("frozen"), [2]), { timeoutMs: 120_000 });
  await eventually(() => world.isJournalEmpty(), { timeoutMs: 60_000 });
  assertEquals((await world.post("frozen", "last")).status, 200);
  await assertExact(kafka, "well", [...well.accepted, ...stored.accepted]);
  await assertExact(kafka, "frozen", [...frozen.accepted, ...stuck.accepted]);
});

Deno.test("a topic that waits for a replica holds its leader's others up briefly, other groups never", async () => {
  await using kafka = await RealKafka.start({ brokers: 2 });
  await kafka.createTopic("both", { replicas: [[1, 2]] });
  await kafka.createTopic("alone", { replicas: [[1]] });
  await using world = await KafkaWorld.start(kafka, {
    webhooks: {
      both: { topic: "both" },
      alone: { topic: "alone" },
      apart: { topic: "alone", connection_group: "apart" },
    },
    ...(BEFORE === undefined ? {} : {
      repository: BEFORE,
      webhooks: { both: { topic: "both" }, alone: { topic: "alone" }, apart: { topic: "alone" } },
    }),
  });
  for (const webhook of ["both", "alone", "apart"]) {
    assertEquals((await world.post(webhook, `first-${webhook}`)).status, 200);
  }
  const all = ["both", "alone", "apart"].map((webhook) => new Senders(world, webhook));
  const [both, alone, apart] = all as [Senders, Senders, Senders];
  await sleep(1_000);
  kafka.freeze(2);
  await sleep(6_000);
  kafka.thaw(2);
  await sleep(1_000);
  await Promise.all(all.map((senders) => senders.stop()));
  const figures = `same leader: ${alone.longestGapMs.toFixed(0)} ms without a 200, other group: ${
    apart.longestGapMs.toFixed(0)
  } ms, waiting: ${both.longestGapMs.toFixed(0)} ms`;
  await Deno.stderr.write(new TextEncoder().encode(`${figures}\n`));
  if (BEFORE !== undefined) return;
  assertEquals([...both.refused, ...alone.refused, ...apart.refused], [], figures);
  assert(alone.longestGapMs < 4_000, figures);
  assert(apart.longestGapMs < 1_000, figures);
  await assertExact(kafka, "both", both.accepted);
  await assertExact(kafka, "alone", [...alone.accepted, ...apart.accepted]);
});
