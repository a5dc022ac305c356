import { assertEquals, assertMatch } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { KAFKA_ERROR, KafkaServer } from "../support/kafka/server.ts";
import { TempDir } from "../support/temp_dir.ts";

/** What `cwm check --probe` finds with webhooks that share one cluster, without the line of its name. */
async function probe(kafka: KafkaServer, configs: readonly object[]) {
  await using directory = await TempDir.create();
  const webhooks = configs.map((
    config,
    index,
  ) => [`hook${index}`, { module: "kafka", "module-config": config }]);
  await directory.writeJson("webhooks.json", Object.fromEntries(webhooks));
  const main = { type: "kafka", bootstrap_servers: kafka.bootstrap };
  await directory.writeJson("connections.json", { main });
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  const lines: string[] = [];
  const code = await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  return { code, lines: lines.filter((line) => line.startsWith("connection main: ")) };
}

Deno.test("cwm check --probe asks for each webhook's topic and partition, and leaves nothing there", async () => {
  await using kafka = await KafkaServer.start({ brokers: 2 });
  await kafka.createTopic("orders", 2);
  await kafka.setTopicError("missing", KAFKA_ERROR.unknownTopicOrPartition);
  await kafka.setTopicError("closed", KAFKA_ERROR.topicAuthorizationFailed);
  const good = [{ topic: "orders" }, { topic: "orders", partition: 1 }, { topic: "orders", key: "a" }];
  assertEquals(await probe(kafka, good), { code: 0, lines: ["connection main: kafka can take events"] });
  const bad = [{ topic: "missing" }, { topic: "closed" }, { topic: "orders", partition: 2 }];
  const { code, lines } = await probe(kafka, [...good, ...bad]);
  assertEquals([code, lines.length], [1, 3]);
  assertMatch(lines[0]!, /: Topic missing: .*UNKNOWN_TOPIC_OR_PARTITION \(3\): make it/);
  assertMatch(
    lines[1]!,
    /: Topic closed: .*TOPIC_AUTHORIZATION_FAILED \(29\): its user needs the right to write/,
  );
  assertMatch(lines[2]!, /: Topic orders, partition 2: The topic has 2 partitions/);
  assertEquals(await kafka.countRecords("orders", 2), 0);
});
