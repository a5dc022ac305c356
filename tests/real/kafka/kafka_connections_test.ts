import { assertEquals } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { assertExact, KafkaWorld } from "./kafka_world.ts";
import { RealKafka } from "./real_kafka.ts";

/** After this time without a request the broker closes a connection, in milliseconds. */
const IDLE_MS = 2_000;

/** How long something may take that happens by itself, with time for connections to become idle in between. */
const PATIENCE = { timeoutMs: 90_000, intervalMs: 2 * IDLE_MS };

/** An event that failed may wait a minute for its next attempt. */
const BACK_OFF = { timeoutMs: 240_000, intervalMs: 100 };

Deno.test("a broker of Apache Kafka that closes idle connections", async (test) => {
  await using kafka = await RealKafka.start({
    login: { username: "another", password: "pa55word" },
    properties: { "connections.max.idle.ms": String(IDLE_MS) },
  });

  await test.step("costs no event", async () => {
    await kafka.createTopic("idle");
    await using world = await KafkaWorld.start(kafka, { webhooks: { idle: { topic: "idle" } } });
    for (const body of ["1", "2", "3"]) {
      assertEquals((await world.post("idle", body)).status, 200);
      await sleep(2 * IDLE_MS);
    }
    await assertExact(kafka, "idle", ["1", "2", "3"]);
  });

  await test.step("takes events of a user who is made, not of one who is deleted, and of one who is back", async () => {
    await kafka.createTopic("users");
    await kafka.grant("late", "users");
    await using world = await KafkaWorld.start(kafka, {
      webhooks: { direct: { topic: "users" } },
      durable: { stored: { topic: "users" } },
      connection: {
        bootstrap_servers: kafka.loginAddress,
        security_protocol: "SASL_PLAINTEXT",
        sasl_mechanism: "SCRAM-SHA-512",
        sasl_username: "late",
        sasl_password: "pa55word",
      },
    });
    const answers = async (body: string, expected: string | undefined) => {
      await eventually(async () => assertEquals((await world.post("direct", body)).code, expected), PATIENCE);
    };
    await answers("unknown", "output_unavailable");
    assertEquals((await world.post("stored", "stored before")).status, 200);
    await kafka.addUser("late", "pa55word");
    await answers("made", undefined);
    await eventually(() => world.isJournalEmpty(), BACK_OFF);
    await kafka.deleteUser("late");
    // As Kafka has it: the user writes until the connection ends.
    await answers("deleted", "output_unavailable");
    assertEquals((await world.post("stored", "stored between")).status, 200);
    await kafka.addUser("late", "pa55word");
    await answers("back", undefined);
    await eventually(() => world.isJournalEmpty(), BACK_OFF);
    const bodies = (await kafka.consume("users")).map(({ value }) => new TextDecoder().decode(value));
    // While the connection lived, events of the deleted user were taken, each with a 200.
    assertEquals(
      bodies.filter((body) => body !== "deleted").toSorted(),
      ["back", "made", "stored before", "stored between"],
    );
  });
});
