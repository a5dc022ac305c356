import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { KafkaServer } from "../support/kafka/server.ts";
import { TempDir } from "../support/temp_dir.ts";

const ENVIRONMENT = { SHUTDOWN_GRACE_MS: "0", SHUTDOWN_TIMEOUT_MS: "200" };

/** A gateway with two webhooks for Kafka, one that logs, and one connection that no webhook names. */
async function start() {
  await using undo = new AsyncDisposableStack();
  const kafka = undo.use(await KafkaServer.start({ brokers: 2 }));
  await kafka.createTopic("orders", 2);
  const dir = undo.use(await TempDir.create());
  await dir.writeJson("webhooks.json", {
    orders: { module: "kafka", "module-config": { topic: "orders" }, accept: "delivered" },
    stored: { module: "kafka", "module-config": { topic: "orders", key: { json_pointer: "/id" } } },
    printed: { module: "log" },
  });
  await dir.writeJson("connections.json", {
    kafka_main: { type: "kafka", bootstrap_servers: kafka.bootstrap },
  });
  const gateway = undo.use(await GatewayProcess.start({ cwd: dir.path, env: ENVIRONMENT }));
  await gateway.waitUntilReady();
  const resources = undo.move();
  return { kafka, gateway, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function post(gateway: GatewayProcess, webhook: string, body: string): Promise<number> {
  const answer = await fetch(`${gateway.url}/webhook/${webhook}`, { method: "POST", body });
  await answer.body?.cancel();
  return answer.status;
}

Deno.test("an event goes to Kafka over the only connection, and the client library stays silent", async () => {
  await using world = await start();
  for (const number of [1, 2, 3]) {
    assertEquals(await post(world.gateway, "orders", `{"number":${number}}`), 200);
  }
  const records = await world.kafka.consume("orders");
  const bodies = records.map(({ value }) => new TextDecoder().decode(value));
  assertEquals(bodies.toSorted(), ['{"number":1}', '{"number":2}', '{"number":3}']);
  world.gateway.kill("SIGTERM");
  await world.gateway.exited;
  const foreign = world.gateway.lines.filter(({ text }) => !text.startsWith("{"));
  assertEquals(foreign, [], "lines that are not the gateway's own");
});

Deno.test("while all brokers are down senders get an answer, and the log says why once", async () => {
  await using world = await start();
  assertEquals(await post(world.gateway, "orders", "{}"), 200);
  await world.kafka.takeDown();
  const statuses = await Promise.all(Array.from({ length: 30 }, () => post(world.gateway, "orders", "{}")));
  assertEquals(new Set(statuses), new Set([503]));
  const reports = world.gateway.lines.filter(({ text }) => text.includes(": Kafka broker"));
  assert(reports.length > 0 && reports.length < 10, `${reports.length} reports`);
  await world.kafka.bringUp();
  await eventually(async () => assertEquals(await post(world.gateway, "orders", "{}"), 200));
  await eventually(() => world.gateway.lines.some(({ text }) => text.includes("answers again")));
});

Deno.test("frozen brokers hold up neither other webhooks nor the end of the gateway, and lose nothing", async () => {
  await using world = await start();
  assertEquals(await post(world.gateway, "orders", "{}"), 200);
  await world.kafka.freeze();
  const held = Array.from({ length: 50 }, (_, number) => post(world.gateway, "orders", `{"held":${number}}`));
  for (let number = 0; number < 50; number++) assertEquals(await post(world.gateway, "printed", "{}"), 200);
  world.kafka.thaw();
  assertEquals(new Set(await Promise.all(held)), new Set([200]));
  assertEquals((await world.kafka.consume("orders")).length, 51);
  await world.kafka.freeze();
  const lost = post(world.gateway, "orders", "{}").catch(() => "broken off");
  await eventually(async () => {
    const metrics = await (await fetch(`${world.gateway.url}/metrics`)).text();
    return /^cwm_output_inflight\{[^}]*kafka[^}]*\} 1$/m.test(metrics);
  });
  world.gateway.kill("SIGTERM");
  const { code } = await world.gateway.exited;
  assertEquals(code, 0);
  assert(await lost !== 200);
});

Deno.test("events that are accepted while the brokers are down arrive when they are back, in order", async () => {
  await using world = await start();
  await world.kafka.takeDown();
  for (let number = 0; number < 20; number++) {
    assertEquals(await post(world.gateway, "stored", `{"id":"a","number":${number}}`), 200);
  }
  await world.kafka.bringUp();
  await eventually(async () => {
    const records = await world.kafka.consume("orders");
    const numbers = records.map(({ value }) => JSON.parse(new TextDecoder().decode(value)).number);
    assertEquals([...new Set(numbers)], Array.from({ length: 20 }, (_, number) => number));
  });
});
