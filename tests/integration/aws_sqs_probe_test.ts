import { assertEquals, assertMatch } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { QueueDesk } from "../support/aws/queue_desk.ts";
import { startQueues } from "../support/aws/queues.ts";
import { refusalOf, ServiceFront } from "../support/aws/service_front.ts";
import { TempDir } from "../support/temp_dir.ts";

const PREFIX = "connection main: ";

/** What `cwm check --probe` finds with webhooks that share one connection. */
async function probe(endpoint_url: string, configs: readonly object[]) {
  await using directory = await TempDir.create();
  const hooks = configs.map((
    config,
    index,
  ) => [`hook${index}`, { module: "aws_sqs", "module-config": config }]);
  await directory.writeJson("webhooks.json", Object.fromEntries(hooks));
  const keys = { aws_access_key_id: "AKIA", aws_secret_access_key: "s3cret" };
  await directory.writeJson("connections.json", { main: { type: "aws_sqs", endpoint_url, ...keys } });
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  const lines: string[] = [];
  const code = await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  return {
    code,
    lines: lines.filter((line) => line.startsWith(PREFIX)).map((line) => line.slice(PREFIX.length)),
  };
}

Deno.test("cwm check --probe names queues and rights that are missing, and sends no message", async () => {
  await using server = await startQueues();
  await using desk = new QueueDesk(server.port);
  await using front = await ServiceFront.start(server.port);
  const names = [QueueDesk.name(), QueueDesk.name(".fifo")];
  const urls = await Promise.all(names.map((name) => desk.make(name)));
  const configs = [...names.map((queue_name) => ({ queue_name })), { queue_url: urls[0] }];
  assertEquals(await probe(front.url, configs), { code: 0, lines: ["aws_sqs can take events"] });

  const missing = await probe(front.url, [...configs, { queue_name: "missing" }]);
  assertEquals([missing.code, missing.lines.length], [1, 1]);
  assertMatch(missing.lines[0]!, /does not have it: queue 'missing' \(QueueDoesNotExist, 400\)/);

  const denied = async (action: string) => {
    front.answer = (request) => request.action === action ? refusalOf("AccessDenied", 403) : undefined;
    return await probe(front.url, configs.slice(0, 1));
  };
  assertMatch(
    (await denied("SendMessageBatch")).lines[0]!,
    /does not permit it .*: sqs:SendMessage at queue 'q-/,
  );
  assertMatch((await denied("GetQueueUrl")).lines[0]!, /does not permit it .*: sqs:GetQueueUrl at queue 'q-/);
  for (const action of ["GetQueueAttributes", "ListQueues"]) {
    assertEquals((await denied(action)).code, 0, action);
  }

  front.answer = () => refusalOf("InvalidClientTokenId", 403);
  const { code, lines } = await probe(front.url, configs);
  assertEquals([code, lines.length], [1, 1]);
  assertMatch(lines[0]!, /does not take the credentials of the connection/);
  for (const url of urls) assertEquals(await desk.take(url), []);
});
