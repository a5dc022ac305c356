import { assertEquals, assertMatch } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { RabbitmqDesk } from "../support/rabbitmq/desk.ts";
import { RABBITMQ_USERS } from "../support/rabbitmq/server.ts";
import { sharedRabbitmq } from "../support/rabbitmq/shared.ts";
import { TempDir } from "../support/temp_dir.ts";

/** What `cwm check --probe` finds with webhooks that share one connection, without the line of its name. */
async function probe(user: keyof typeof RABBITMQ_USERS, configs: readonly object[]) {
  const { port } = await sharedRabbitmq();
  await using directory = await TempDir.create();
  await directory.writeJson(
    "webhooks.json",
    Object.fromEntries(
      configs.map((config, index) => [`hook${index}`, { module: "rabbitmq", "module-config": config }]),
    ),
  );
  const connection = { type: "rabbitmq", host: "127.0.0.1", port, user, pass: RABBITMQ_USERS[user] };
  await directory.writeJson("connections.json", { main: connection });
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  const lines: string[] = [];
  const code = await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  return { code, lines: lines.filter((line) => line.startsWith("connection main: ")) };
}

Deno.test("cwm check --probe names missing queues and exchanges, and rights that a user lacks", async () => {
  await using desk = new RabbitmqDesk((await sharedRabbitmq()).port);
  const queue = await desk.makeQueue();
  const [exchange, permitted] = [
    await desk.makeExchange("topic"),
    await desk.makeExchange("topic", RabbitmqDesk.name("open")),
  ];
  const good = [{ queue_name: queue, declare: false }, { exchange: permitted }];
  assertEquals(await probe("writer", [...good, { exchange: "events-{/shop}" }]), {
    code: 0,
    lines: ["connection main: rabbitmq can take events"],
  });
  assertEquals((await probe("guest", [...good, { exchange }, { queue_name: RabbitmqDesk.name() }])).code, 0);
  const missing = [{ queue_name: "missing", declare: false }, { exchange: "missing" }, { exchange }];
  const { code, lines } = await probe("writer", [...good, ...missing]);
  assertEquals([code, lines.length], [1, 3]);
  assertMatch(lines[0]!, /has no queue 'missing': make it, or let declare do so/);
  assertMatch(lines[1]!, /has no exchange 'missing'/);
  assertMatch(lines[2]!, /does not permit the user to write to exchange 'test\./);
  const stranger = await probe("stranger", good);
  assertEquals([stranger.code, stranger.lines.length], [1, 2]);
  assertMatch(stranger.lines[0]!, /does not permit the user to write to the default exchange/);
  // What was tried is nowhere.
  assertEquals(await desk.take(queue), []);
});
