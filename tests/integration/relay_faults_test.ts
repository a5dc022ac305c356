import { assertEquals, assertStringIncludes } from "@std/assert";
import { EtcdServer } from "../support/etcd/server.ts";
import { eventually } from "../support/eventually.ts";
import { HttpTarget } from "../support/http/target.ts";
import { PRIVATE_NAMESPACE, privateWebhook, RelayWorld } from "../support/relay/world.ts";

Deno.test("connector goes on after a target that hangs and one that breaks the connection, in order", async () => {
  await using world = await RelayWorld.start();
  await world.send(3);
  world.target.answerNext("hang", "drop", "drop", "drop");
  await using _connector = await world.connector({
    default_target: {
      url: world.target.url,
      timeout_seconds: 0.3,
      retry_max_attempts: 2,
      retry_delay_seconds: 0.01,
    },
  });
  await world.target.waitForRequests(7);
  assertEquals(world.received(), [0, 0, 0, 0, 0, 1, 2]);
  await world.empty();
  const deliveries = world.target.requests.map(({ headers }) => headers.get("cwm-delivery"));
  assertEquals(deliveries.slice(0, 5), ["1", "1", "2", "2", "3"]);
});

Deno.test("connector delivers the events of one webhook while another one's target is slow", async () => {
  await using world = await RelayWorld.start();
  await using slow = await HttpTarget.start();
  slow.answer("hang");
  await using _connector = await world.connector({
    default_target: { url: world.target.url },
    targets: { orders: { url: slow.url } },
  });
  await world.send(2, { webhook: "orders" });
  await world.send(5, { webhook: "refunds" });
  await world.target.waitForRequests(5);
  assertEquals(slow.requests.length, 1);
});

Deno.test("connector passes on headers that a provider signs with, and none of the connection's own", async () => {
  await using world = await RelayWorld.start();
  await world.gateway.post("/webhook/orders", "{}", {
    "x-hub-signature-256": "sha256=abc",
    "authorization": "Bearer provider",
    "content-type": "application/json; charset=utf-8",
  });
  await using _connector = await world.connector({
    default_target: { url: `${world.target.url}/in?x=1`, headers: { "X-Own": "1" }, method: "put" },
  });
  const [request] = await world.target.waitForRequests(1);
  const { headers, method, target } = request!;
  assertEquals([method, target], ["PUT", "/in?x=1"]);
  assertEquals(headers.get("x-hub-signature-256"), "sha256=abc");
  assertEquals(headers.get("authorization"), "Bearer provider");
  assertEquals(headers.get("content-type"), "application/json; charset=utf-8");
  assertEquals(headers.get("x-own"), "1");
  assertEquals(headers.get("x-webhook-id"), "orders");
  assertEquals(headers.get("host"), `127.0.0.1:${world.target.port}`);
});

Deno.test("connector rejects an event for which it has no target, which is then a dead letter", async () => {
  await using world = await RelayWorld.start();
  await world.send(1);
  await using _connector = await world.connector({
    default_target: undefined,
    targets: { refunds: { url: world.target.url } },
  });
  await world.empty();
  const [letter] = await world.deadLetters();
  assertStringIncludes(JSON.stringify(letter), "The connector has no target for webhook orders");
});

Deno.test("connector in etcd mode delivers as a changed key says, without a restart", async () => {
  await using etcd = await EtcdServer.start();
  await using world = await RelayWorld.start({ mode: "etcd", etcd });
  await using other = await HttpTarget.start();
  await using _connector = await world.connector();
  await world.send(1);
  await world.target.waitForRequests(1);
  const key = `/cwm/${PRIVATE_NAMESPACE}/webhooks/orders`;
  await etcd.gateway.putJson(key, privateWebhook(other));
  await eventually(async () => {
    await world.send(1);
    return other.requests.length > 0;
  }, { intervalMs: 50 });
  await etcd.gateway.delete(key);
  await eventually(async () => {
    await world.send(1);
    return (await world.deadLetters()).length > 0;
  }, { intervalMs: 50 });
});
