import { assert, assertEquals, assertMatch } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { kafkaModule } from "../../../src/modules/kafka/kafka.ts";
import { eventually } from "../../support/eventually.ts";
import { codes, KafkaOutputDriver } from "../../support/kafka/output.ts";
import {
  assertExact,
  type KafkaWebhooks,
  KafkaWorld,
  ledgerOf,
  Senders,
  type WorldOptions,
} from "./kafka_world.ts";
import { RealKafka } from "./real_kafka.ts";

/** How long something may take that happens by itself: a machine may be busy. */
const PATIENCE = { timeoutMs: 60_000, intervalMs: 50 };

/** An event that failed for 15 s may wait a minute for its next attempt: each has a back-off of its own. */
const BACK_OFF = { timeoutMs: 240_000, intervalMs: 100 };

const LOGIN = { username: "cwm", password: "pa55word" };
const AT_THE_LOGIN_DOOR = {
  security_protocol: "SASL_PLAINTEXT",
  sasl_mechanism: "SCRAM-SHA-512",
  sasl_username: LOGIN.username,
  sasl_password: LOGIN.password,
};

/** A gateway for one step of a test. */
async function withWorld(
  kafka: RealKafka,
  options: WorldOptions,
  run: (world: KafkaWorld) => Promise<void>,
): Promise<void> {
  await using world = await KafkaWorld.start(kafka, options);
  await run(world);
}

async function untilAccepted(world: KafkaWorld, webhook: string, body: string): Promise<void> {
  await eventually(async () => assertEquals((await world.post(webhook, body)).status, 200), PATIENCE);
}

async function untilJournalIsEmpty(world: KafkaWorld): Promise<void> {
  await eventually(() => world.isJournalEmpty(), BACK_OFF);
}

Deno.test("one broker of Apache Kafka, in the situations of its topics", async (test) => {
  await using kafka = await RealKafka.start({
    login: LOGIN,
    properties: { "message.max.bytes": "1048588", "connections.max.idle.ms": "600000" },
  });
  const step = (name: string, webhooks: KafkaWebhooks, run: (world: KafkaWorld) => Promise<void>) =>
    test.step(name, () => withWorld(kafka, { webhooks, durable: durableOf(webhooks) }, run));

  await step(
    "a missing topic is 502, and takes events when it is made",
    { missing: { topic: "missing" } },
    async (world) => {
      const { status, code } = await world.post("missing", "1");
      assertEquals([status, code], [502, "output_failed"]);
      assertEquals((await world.post("missing_stored", "stored")).status, 200);
      await kafka.createTopic("missing");
      await untilAccepted(world, "missing", "2");
      await untilJournalIsEmpty(world);
      await assertExact(kafka, "missing", ["2", "stored"]);
    },
  );

  await step("a topic that is deleted and made again with fewer partitions goes on", {
    remade: { topic: "remade" },
  }, async (world) => {
    await kafka.createTopic("remade", { replicas: [[1], [1], [1]] });
    for (let number = 0; number < 6; number++) await untilAccepted(world, "remade", `old-${number}`);
    const senders = new Senders(world, "remade");
    await sleep(300);
    await (await kafka.admin()).deleteTopics({ topics: ["remade"] });
    await eventually(() => kafka.createTopic("remade"), PATIENCE);
    await untilAccepted(world, "remade", "again");
    await sleep(500);
    await senders.stop();
    // What was accepted before went with the old topic; what is there is there once.
    assertEquals((await ledgerOf(kafka, "remade", [])).repeated, []);
    await assertExact(kafka, "remade", ["again", ...senders.accepted.slice(-10)]);
  });

  await step("a partition that a topic does not have is 502 with their number, until it is added", {
    fifth: { topic: "few", partition: 5 },
  }, async (world) => {
    await kafka.createTopic("few", { replicas: [[1], [1], [1]] });
    assertEquals((await world.post("fifth", "1")).code, "output_failed");
    await world.gateway.waitForLine(/Topic few, partition 5: The topic has 3 partitions/);
    await (await kafka.admin()).createPartitions({ topicPartitions: [{ topic: "few", count: 6 }] });
    await untilAccepted(world, "fifth", "2");
    await assertExact(kafka, "few", ["2"]);
  });

  await test.step("partitions that are added are used within metadata_max_age", async () => {
    await kafka.createTopic("grows");
    const options = { webhooks: { grows: { topic: "grows" } }, connection: { metadata_max_age: 2 } };
    await withWorld(kafka, options, async (world) => {
      await untilAccepted(world, "grows", "first");
      await (await kafka.admin()).createPartitions({ topicPartitions: [{ topic: "grows", count: 4 }] });
      const addedAt = performance.now();
      await eventually(async () => {
        for (let number = 0; number < 4; number++) await world.post("grows", "more");
        const partitions = new Set((await kafka.consume("grows")).map(({ partition }) => partition));
        assertEquals(partitions.size, 4);
      }, PATIENCE);
      assert(performance.now() - addedAt < 30_000, "later than with the default of one minute");
    });
  });

  await step("one record over the limit of a topic is refused for good, and 29 beside it arrive once", {
    limited: { topic: "limited" },
  }, async (world) => {
    await kafka.createTopic("limited", { config: { "max.message.bytes": "20000" } });
    const bodies = Array.from(
      { length: 30 },
      (_, number) => number === 17 ? "x".repeat(30_000) : `${number}`,
    );
    const answers = await Promise.all(bodies.map((body) => world.post("limited", body)));
    assertEquals(answers.map(({ status }) => status), bodies.map((_, number) => number === 17 ? 502 : 200));
    assertEquals(answers[17]!.code, "output_rejected");
    await assertExact(kafka, "limited", bodies.filter((_, number) => number !== 17));
  });

  await step("a record over the limit of the brokers is refused for good, and those beside it arrive once", {
    vast: { topic: "vast" },
  }, async (world) => {
    await kafka.createTopic("vast");
    const bodies = ["1", "x".repeat(1_100_000), "2"];
    const answers = await Promise.all(bodies.map((body) => world.post("vast", body)));
    assertEquals(answers.map(({ code }) => code), [undefined, "output_rejected", undefined]);
    await assertExact(kafka, "vast", ["1", "2"]);
  });

  await step("records of 1, 5 and 10 MB arrive where the topic allows them, several at once", {
    large: { topic: "large" },
  }, async (world) => {
    await kafka.createTopic("large", { config: { "max.message.bytes": "12000000" } });
    const sizes = [[1_040_000, 5], [5_000_000, 10], [10_000_000, 1]] as const;
    for (const [bytes, count] of sizes) {
      const answers = await Promise.all(
        Array.from({ length: count }, (_, n) => world.post("large", `${bytes}-${n}-`.padEnd(bytes, "x"))),
      );
      assertEquals(answers.map(({ status }) => status), Array.from({ length: count }, () => 200));
    }
    assertEquals(
      (await kafka.consume("large")).map(({ value }) => value.length).toSorted((a, b) => a - b),
      sizes.flatMap(([bytes, count]) => Array.from({ length: count }, () => bytes)),
    );
  });

  await step("a compacted topic refuses records without a key for good, and takes those with one", {
    keyed: { topic: "compacted", key: "a" },
    keyless: { topic: "compacted" },
    nameless: { topic: "compacted", key: { json_pointer: "/k" } },
  }, async (world) => {
    await kafka.createTopic("compacted", { config: { "cleanup.policy": "compact" } });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, number) => {
      return world.post(number % 8 === 0 ? "keyless" : "keyed", `${number}`);
    }));
    assertEquals(
      answers.map(({ code }) => code ?? "accepted"),
      answers.map((_, number) => number % 8 === 0 ? "output_rejected" : "accepted"),
    );
    assertEquals((await world.post("nameless", '{"k":""}')).status, 200);
    await assertExact(kafka, "compacted", [
      ...answers.flatMap((_, number) => number % 8 === 0 ? [] : [`${number}`]),
      '{"k":""}',
    ]);
  });

  await step(
    "an internal topic is refused for good",
    { internal: { topic: "__consumer_offsets" } },
    async (world) => {
      const admin = await kafka.admin();
      await admin.createTopics({
        topics: [{ topic: "__consumer_offsets", numPartitions: 1 }],
        waitForLeaders: false,
      });
      await eventually(
        async () => assertEquals((await world.post("internal", "1")).code, "output_rejected"),
        PATIENCE,
      );
    },
  );

  await test.step("a time that the brokers refuse names the gateway's clock and is no event's fault", async () => {
    await kafka.createTopic("timed", { config: { "message.timestamp.before.max.ms": "0" } });
    await using output = await KafkaOutputDriver.open({ bootstrap_servers: kafka.bootstrap });
    // Nearly every record is a millisecond old when it arrives.
    await eventually(async () => {
      const result = await output.deliver({}, { topic: "timed" });
      assertEquals(codes([result]), ["output_unavailable"]);
      assertMatch(String(result), /INVALID_TIMESTAMP \(32\).*the gateway's clock says \d{4}-/);
    }, PATIENCE);
  });

  await test.step("a wrong password, an unknown user, another mechanism and no login are 503", async () => {
    const attempts = [
      { ...AT_THE_LOGIN_DOOR, sasl_password: "wrong" },
      { ...AT_THE_LOGIN_DOOR, sasl_username: "nobody" },
      { ...AT_THE_LOGIN_DOOR, sasl_mechanism: "SCRAM-SHA-256" },
      {},
    ];
    for (const attempt of attempts) {
      const connection = { bootstrap_servers: kafka.loginAddress, ...attempt };
      await withWorld(kafka, { webhooks: { large: { topic: "large" } }, connection }, async (world) => {
        assertEquals((await world.post("large", "1")).code, "output_unavailable");
      });
    }
  });

  await test.step("a topic that is closed to the user is 502, open ones take events, and it opens live", async () => {
    await kafka.createTopic("closed");
    await kafka.createTopic("open");
    await kafka.grant(LOGIN.username, "open");
    const connection = { ...AT_THE_LOGIN_DOOR, bootstrap_servers: kafka.loginAddress };
    const webhooks = { closed: { topic: "closed" }, open: { topic: "open" } };
    await withWorld(kafka, { webhooks, durable: durableOf(webhooks), connection }, async (world) => {
      assertEquals((await world.post("open", "1")).status, 200);
      assertEquals((await world.post("closed", "1")).code, "output_failed");
      assertEquals((await world.post("closed_stored", "stored")).status, 200);
      assertEquals((await world.post("open", "2")).status, 200);
      await kafka.grant(LOGIN.username, "closed");
      await untilAccepted(world, "closed", "3");
      await untilJournalIsEmpty(world);
      await assertExact(kafka, "closed", ["3", "stored"]);
      await assertExact(kafka, "open", ["1", "2"]);
    });
  });

  await test.step("a probe names a topic that is missing, and one that the user may only read", async () => {
    await kafka.createTopic("readable");
    await kafka.grant(LOGIN.username, "readable", "Read");
    const connection = { ...AT_THE_LOGIN_DOOR, bootstrap_servers: kafka.loginAddress };
    await using output = await KafkaOutputDriver.open(connection);
    const probe = async (topic: string) => {
      const config = kafkaModule.configSchema.parse({ topic });
      return await output.output.probeFor!(config, AbortSignal.timeout(60_000)).then(() => "good", String);
    };
    assertEquals(await probe("open"), "good");
    assertMatch(await probe("readable"), /Topic readable: .*TOPIC_AUTHORIZATION_FAILED/);
    // Who may not see a topic learns no more of it than of one that is missing.
    assertMatch(await probe("nowhere"), /Topic nowhere: .*(TOPIC_AUTHORIZATION_FAILED|UNKNOWN_TOPIC)/);
    await assertExact(kafka, "open", ["1", "2"]);
  });

  await test.step("a client over its quota is slowed down, logged and counted; another client id is not", async () => {
    await kafka.createTopic("quota");
    await kafka.runTool(
      "org.apache.kafka.tools.ConfigCommand",
      ...[
        "--alter",
        "--entity-type",
        "clients",
        "--entity-name",
        "slow",
        "--add-config",
        "producer_byte_rate=20000",
      ],
    );
    const webhooks = { quota: { topic: "quota", timeout: 20 } };
    await withWorld(kafka, { webhooks, connection: { client_id: "slow" } }, async (world) => {
      await Promise.all(
        Array.from({ length: 12 }, (_, number) => world.post("quota", `${number}`.padEnd(30_000, "x"))),
      );
      await eventually(async () => {
        const [, seconds] =
          /^cwm_output_throttled_seconds_total\{[^}]*\} ([\d.]+)$/m.exec(await world.metrics()) ?? [];
        assert(Number(seconds) > 0);
      }, PATIENCE);
      await world.gateway.waitForLine(/Kafka broker 1 takes nothing from kafka_main for \d+ ms/);
    });
    await withWorld(kafka, { webhooks, connection: { client_id: "quick" } }, async (world) => {
      for (let number = 0; number < 4; number++) {
        assertEquals((await world.post("quota", `${number}`.padEnd(30_000, "x"))).status, 200);
      }
      assert(!(await world.metrics()).includes("cwm_output_throttled_seconds_total{"));
    });
  });

  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    await step(
      `while the only broker is away after ${signal} senders hear why soon; what was stored arrives once`,
      { [`away_${signal}`]: { topic: `away-${signal}` } },
      async (world) => {
        const topic = `away-${signal}`;
        const webhook = `away_${signal}`;
        await kafka.createTopic(topic, { replicas: [[1], [1], [1]] });
        const senders = new Senders(world, webhook, { pauseMs: 20 });
        const stored = new Senders(world, `${webhook}_stored`, { senders: 2, pauseMs: 20 });
        await eventually(() => senders.accepted.length > 20, PATIENCE);
        await kafka.stop(1, signal);
        await eventually(() => senders.refused.has("503 output_unavailable"), PATIENCE);
        const { tookMs } = await world.post(webhook, "told soon");
        await kafka.startBroker(1);
        await untilAccepted(world, webhook, "back");
        const backAt = performance.now();
        await untilJournalIsEmptyOf(world, stored);
        const durableAfterMs = performance.now() - backAt;
        await senders.stop();
        assert(tookMs < 5_000, `${tookMs} ms`);
        await report(
          `${signal}: told after ${tookMs.toFixed(0)} ms, durable complete ${
            durableAfterMs.toFixed(0)
          } ms after the first 200`,
        );
        await assertExact(kafka, topic, [...senders.accepted, ...stored.accepted, "back"]);
      },
    );
  }

  await step("while the only broker is frozen senders hear why before the budget ends", {
    ice: { topic: "ice" },
  }, async (world) => {
    await kafka.createTopic("ice");
    assertEquals((await world.post("ice", "1")).status, 200);
    kafka.freeze(1);
    const first = await world.post("ice", "2");
    const second = await world.post("ice", "3");
    kafka.thaw(1);
    await report(
      `frozen: ${first.status} after ${first.tookMs.toFixed(0)} ms, then ${second.status} after ${
        second.tookMs.toFixed(0)
      } ms`,
    );
    for (const { status, tookMs } of [first, second]) {
      assert(status === 503 || status === 504, `${status}`);
      assert(tookMs < 9_500, `${tookMs} ms`);
    }
    await world.gateway.waitForLine(/Kafka broker [\d.:]+ did not answer in time/);
    await untilAccepted(world, "ice", "4");
    await assertExact(kafka, "ice", ["1", "4"]);
  });
});

Deno.test("three brokers of Apache Kafka, in the situations of a cluster", async (test) => {
  await using kafka = await RealKafka.start({
    brokers: 3,
    properties: { "broker.session.timeout.ms": "6000" },
  });
  const run = (
    name: string,
    replicas: readonly (readonly number[])[],
    act: () => Promise<void>,
    config = {},
  ) =>
    test.step(name, async () => {
      const topic = `situation-${name.length}-${replicas.length}`;
      await kafka.createTopic(topic, { replicas, config });
      const webhooks = { direct: { topic } };
      await withWorld(kafka, { webhooks, durable: { stored: { topic } } }, async (world) => {
        assertEquals((await world.post("direct", "first")).status, 200);
        const senders = new Senders(world, "direct", { pauseMs: 20 });
        const stored = new Senders(world, "stored", { senders: 2, pauseMs: 20 });
        await sleep(1_000);
        await act();
        await untilAccepted(world, "direct", "last");
        await Promise.all([senders.stop(), stored.stop()]);
        await untilJournalIsEmpty(world);
        await report(
          `${name}: ${senders.accepted.length} accepted, refused ${
            JSON.stringify([...senders.refused])
          }, longest ` +
            `time without a 200 ${senders.longestGapMs.toFixed(0)} ms, longest answer ${
              senders.longestAnswerMs.toFixed(0)
            } ms`,
        );
        await assertExact(kafka, topic, [...senders.accepted, ...stored.accepted, "first", "last"]);
      });
    });
  const all = [[2, 3, 1], [3, 2, 1], [2, 1, 3]];

  await run("leaders that move cost nothing", all, async () => {
    const topic = (await (await kafka.admin()).listTopics()).find((name) => name.startsWith("situation"))!;
    await kafka.moveTo(topic, [[3, 2, 1], [2, 3, 1], [1, 2, 3]]);
    await kafka.moveTo(topic, all);
  });
  await run("a rolling restart costs nothing", all, async () => {
    for (const id of [2, 3]) {
      await kafka.stop(id, "SIGTERM");
      await kafka.startBroker(id);
      await sleep(2_000);
    }
  });
  await run("a leader that is killed is replaced", all, async () => {
    await kafka.stop(2, "SIGKILL");
    await sleep(10_000);
    await kafka.startBroker(2);
  });
  await run("a leader that is frozen for 20 s is replaced", all, async () => {
    kafka.freeze(2);
    await sleep(20_000);
    kafka.thaw(2);
  });
  await run("fewer replicas than min.insync.replicas are told, and waited for", [[3, 2]], async () => {
    kafka.freeze(2);
    await sleep(15_000);
    kafka.thaw(2);
    await sleep(2_000);
  }, { "min.insync.replicas": "2" });

  await test.step("a topic whose only broker is dead costs another topic nothing", async () => {
    await kafka.createTopic("only-two", { replicas: [[2]] });
    await kafka.createTopic("only-three", { replicas: [[3]] });
    const webhooks = { dead: { topic: "only-two" }, well: { topic: "only-three" } };
    await withWorld(kafka, { webhooks, durable: { dead_stored: { topic: "only-two" } } }, async (world) => {
      assertEquals((await world.post("dead", "1")).status, 200);
      assertEquals((await world.post("well", "first")).status, 200);
      const well = new Senders(world, "well");
      await kafka.stop(2, "SIGKILL");
      assertEquals((await world.post("dead_stored", "2")).status, 200);
      // Once the cluster knows that it is gone, senders know soon.
      await eventually(async () => {
        const { code, tookMs } = await world.post("dead", "3");
        assertEquals(code, "output_failed");
        assert(tookMs < 3_000, `${tookMs} ms`);
      }, PATIENCE);
      await kafka.startBroker(2);
      await untilAccepted(world, "dead", "4");
      await untilJournalIsEmpty(world);
      await well.stop();
      await report(`beside a dead broker: ${well.longestGapMs.toFixed(0)} ms without a 200`);
      assertEquals([...well.refused], []);
      await assertExact(kafka, "only-three", well.accepted);
      await assertExact(kafka, "only-two", ["1", "2", "4"]);
    });
  });
});

/** The same webhooks once more, answered from the journal. */
function durableOf(webhooks: KafkaWebhooks): KafkaWebhooks {
  return Object.fromEntries(Object.entries(webhooks).map(([name, config]) => [`${name}_stored`, config]));
}

async function untilJournalIsEmptyOf(world: KafkaWorld, senders: Senders): Promise<void> {
  await senders.stop();
  await untilJournalIsEmpty(world);
}

/** For whoever looks at the figures. */
async function report(text: string): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(`${text}\n`));
}
