import { assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { RedisServer } from "../support/redis/server.ts";
import { testRelay } from "../contracts/relay.ts";
import { PullClient } from "../support/relay/pull_client.ts";
import { RelayStream } from "../support/relay/stream.ts";
import { gatewayWebhooks, RELAY_ADMIN_TOKEN, RELAY_TOKEN, RelayWorld } from "../support/relay/world.ts";

testRelay({ transport: "websocket", mode: "http", queue: "redis" });
testRelay({ transport: "pull", mode: "http", queue: "redis" });

Deno.test("gateways that share a queue on Redis hand out each other's events, and those of a dead one", async () => {
  await using redis = await RedisServer.start();
  const start = () =>
    TestGateway.start({
      webhooks: gatewayWebhooks({ ack_timeout_seconds: 1 }) as Readonly<Record<string, unknown>>,
      environment: { RELAY_QUEUE: redis.url, ADMIN_TOKEN: RELAY_ADMIN_TOKEN },
    });
  await using one = await start();
  await using other = await start();
  const post = async (gateway: TestGateway, n: number) =>
    assertEquals((await gateway.post("/webhook/orders", `{"n":${n}}`)).status, 200);
  for (let n = 0; n < 6; n++) await post(n % 2 === 0 ? one : other, n);
  await using stream = await RelayStream.open(one.url(""));
  const messages = await stream.waitForWebhooks(6);
  assertEquals(stream.bodies, [0, 1, 2, 3, 4, 5].map((n) => `{"n":${n}}`));
  // An acknowledgement may reach the gateway that has not handed the message out.
  const { status } = await other.request("/connect/ack", {
    method: "POST",
    headers: { authorization: "Bearer relay-token-1" },
    body: JSON.stringify({
      channel: "inbox",
      connection_id: stream.connectionId,
      messages: [{ type: "ack", message_id: messages[0]!["message_id"] }],
    }),
  });
  assertEquals(status, 200);
  stream.ack(messages[1]!);
  await using elsewhere = await RelayStream.open(other.url(""));
  await stream.close();
  await elsewhere.waitForWebhooks(4);
  assertEquals(elsewhere.bodies, [2, 3, 4, 5].map((n) => `{"n":${n}}`));
  assertEquals(elsewhere.webhooks.map(({ delivery }) => delivery), [2, 2, 2, 2]);
});

Deno.test("a lease that one gateway gave is lengthened and ended at another one", async () => {
  await using redis = await RedisServer.start();
  const start = () =>
    TestGateway.start({
      webhooks: gatewayWebhooks() as Readonly<Record<string, unknown>>,
      environment: { RELAY_QUEUE: redis.url },
    });
  await using one = await start();
  await using other = await start();
  const [here, there] = [one, other].map((gateway) =>
    new PullClient(gateway.url(""), { token: RELAY_TOKEN })
  ) as [PullClient, PullClient];
  const waiting = there.receive({ n: 10, wait: 30 });
  assertEquals((await one.post("/webhook/orders", '{"n":0}')).status, 200);
  const events = await waiting;
  assertEquals(events.map(({ body }) => body), ['{"n":0}']);
  assertEquals((await here.extend(events, 60))["lost"], []);
  const next = here.receive({ wait: 30 });
  assertEquals(await here.release(events), { released: 1, dead_letters: 0, lost: [] });
  const [again] = await next;
  assertEquals(again?.attempt, 2);
  assertEquals((await there.extend(events, 60))["lost"], [events[0]!.handle]);
  assertEquals(await there.ack(again!), { acknowledged: 1, lost: [] });
});

Deno.test("relay over Redis answers 503 while Redis is away, and goes on with what it held", async () => {
  await using redis = await RedisServer.start();
  await using world = await RelayWorld.start({ environment: { RELAY_QUEUE: redis.url } });
  await world.send(2);
  await redis.kill();
  const refused = await world.gateway.post("/webhook/orders", '{"n":2}');
  assertEquals(refused.status, 503);
  await redis.restart();
  await eventually(() => world.send(1, { from: 2 }));
  await using _connector = await world.connector();
  await world.target.waitForRequests(3);
  assertEquals(world.received(), [0, 1, 2]);
});
