import { assert, assertEquals } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import type { EventBody } from "../../../../src/event/event.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { eventually } from "../../../support/eventually.ts";
import { type Answer, errorCode, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const QUICK_RETRY = { max_attempts: 5, initial_delay: 0.05, max_delay: 0.05 };

interface Start {
  readonly webhook?: Readonly<Record<string, unknown>>;
  readonly webhooks?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
}

async function start(probes: readonly ProbeModule[], options: Start = {}): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: options.webhooks ?? { orders: { module: "probe", retry: QUICK_RETRY, ...options.webhook } },
    modules: probes.map(({ module }) => module),
    environment: { ADMIN_TOKEN, ...options.environment },
  });
}

function durable(options: ConstructorParameters<typeof ProbeModule>[0] = {}): ProbeModule {
  return new ProbeModule({ acceptance: "durable", ...options });
}

async function admin(gateway: TestGateway, path: string, method = "GET"): Promise<Answer> {
  return await gateway.request(path, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
}

interface Letter {
  readonly id: string;
  readonly reason: string;
  readonly attempts: number;
  readonly connection: string;
}

async function deadLetters(gateway: TestGateway, query = ""): Promise<Letter[]> {
  const { text } = await admin(gateway, `/admin/dead-letters${query}`);
  return (JSON.parse(text) as { dead_letters: Letter[] }).dead_letters;
}

function eventId({ text }: Answer): string {
  return (JSON.parse(text) as { event_id: string }).event_id;
}

async function untilPending(gateway: TestGateway, count: number): Promise<void> {
  await eventually(async () => {
    const { text } = await gateway.request("/metrics");
    assertEquals(/^cwm_events_pending (\d+)$/m.exec(text)?.[1], String(count));
  });
}

Deno.test("a durable webhook answers 200 before its output has the event, and delivers it then", async () => {
  const probe = durable();
  const { promise: opened, resolve: open } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => opened;
  await using gateway = await start([probe]);
  const answer = await gateway.post("/webhook/orders", '{"number":1}');
  assertEquals(answer.status, 200);
  await eventually(() => assertEquals(probe.events.map(({ id }) => id), [eventId(answer)]));
  await untilPending(gateway, 1);
  open("delivered");
  await untilPending(gateway, 0);
  assertEquals(probe.events[0]?.text, '{"number":1}');
});

Deno.test("a failed delivery of a durable webhook is tried again with the same event id", async () => {
  const probe = durable();
  const results: DeliveryResult[] = [new DeliveryError("output_failed"), new DeliveryError("output_failed")];
  probe.behaviour = () => results.shift() ?? "delivered";
  await using gateway = await start([probe]);
  const id = eventId(await gateway.post("/webhook/orders", "{}"));
  await untilPending(gateway, 0);
  assertEquals(probe.events.map((event) => event.id), [id, id, id]);
});

Deno.test("an event that fails as often as the policy allows becomes a dead letter with its attempts", async () => {
  const probe = durable();
  probe.behaviour = () => new DeliveryError("output_failed", "Table orders is locked");
  await using gateway = await start([probe]);
  const id = eventId(await gateway.post("/webhook/orders", "{}"));
  await untilPending(gateway, 0);
  const [letter] = await deadLetters(gateway);
  assertEquals(
    [letter?.id, letter?.reason, letter?.attempts, letter?.connection],
    [id, "output_failed", 5, "probe"],
  );
  assertEquals(probe.events.length, 5);
});

Deno.test("an event that its output refuses for good is a dead letter, and replaying it delivers it", async () => {
  const probe = durable();
  probe.behaviour = () => new DeliveryError("output_rejected", "Column amount does not exist");
  await using gateway = await start([probe]);
  const id = eventId(await gateway.post("/webhook/orders", '{"amount":1}'));
  await eventually(async () => assertEquals((await deadLetters(gateway)).length, 1));
  assertEquals(probe.events.length, 1);
  probe.behaviour = () => "delivered";
  const replay = await admin(gateway, "/admin/dead-letters/replay?reason=output_rejected", "POST");
  assertEquals(JSON.parse(replay.text), { replayed: 1 });
  await eventually(() => assertEquals(probe.events.length, 2));
  assertEquals([probe.events[1]?.id, probe.events[1]?.text], [id, '{"amount":1}']);
  await untilPending(gateway, 0);
  assertEquals(await deadLetters(gateway), []);
});

Deno.test("a replayed dead letter does not wait for what is under way in its webhook", async () => {
  const probe = durable();
  const { promise: never, resolve: end } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = ({ event }) => event.body.text === '"bad"' ? new DeliveryError("output_rejected") : never;
  await using gateway = await start([probe]);
  await gateway.post("/webhook/orders", '"hangs"');
  const id = eventId(await gateway.post("/webhook/orders", '"bad"'));
  await eventually(async () => assertEquals((await deadLetters(gateway)).length, 1));
  probe.behaviour = () => "delivered";
  await admin(gateway, "/admin/dead-letters/replay?reason=output_rejected", "POST");
  await eventually(() => assertEquals(probe.events.filter((event) => event.id === id).length, 2));
  end("delivered");
  await untilPending(gateway, 0);
});

Deno.test("dead letters are shown with headers and body, credentials left out, and can be dropped", async () => {
  const probe = durable();
  probe.behaviour = () => new DeliveryError("output_rejected");
  await using gateway = await start([probe]);
  const id = eventId(
    await gateway.post("/webhook/orders", '{"a":1}', { "X-Api-Key": "hush", "X-Kind": "order" }),
  );
  await eventually(async () => assertEquals((await deadLetters(gateway)).length, 1));
  const shown = JSON.parse((await admin(gateway, `/admin/dead-letters/show?id=${id}`)).text) as {
    headers: Record<string, string>;
    body: string;
  };
  assertEquals([shown.body, shown.headers["x-kind"]], ['{"a":1}', "order"]);
  assert(!JSON.stringify(shown).includes("hush"));
  assertEquals(
    (await admin(gateway, "/admin/dead-letters/drop", "POST")).status,
    400,
    "not without a filter",
  );
  assertEquals(
    (await admin(gateway, `/admin/dead-letters/drop?webhook=orders`, "POST")).text.trim(),
    '{"dropped":1}',
  );
  assertEquals((await admin(gateway, `/admin/dead-letters/show?id=${id}`)).status, 404);
});

Deno.test("an output that hangs holds up no other webhook", async () => {
  const hung = durable({ name: "hung" });
  const well = durable({ name: "well" });
  const { promise: never, resolve: end } = Promise.withResolvers<DeliveryResult>();
  hung.behaviour = () => never;
  const webhooks = { slow: { module: "hung" }, quick: { module: "well" } };
  await using gateway = await start([hung, well], { webhooks });
  for (let sent = 0; sent < 100; sent++) {
    assertEquals((await gateway.post("/webhook/slow", "{}")).status, 200);
  }
  assertEquals((await gateway.post("/webhook/quick", "{}")).status, 200);
  await eventually(() => assertEquals(well.events.length, 1));
  end("delivered");
  await untilPending(gateway, 0);
});

Deno.test("what waits for an output is handed over in batches, the webhooks in turn", async () => {
  const probe = durable({ maxBatch: 10, concurrency: 1 });
  const { promise: opened, resolve: open } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => opened;
  const webhooks = { much: { module: "probe" }, little: { module: "probe" } };
  await using gateway = await start([probe], { webhooks });
  await gateway.post("/webhook/much", '"first"');
  await eventually(() => assertEquals(probe.batches, [1]));
  for (let sent = 0; sent < 30; sent++) await gateway.post("/webhook/much", String(sent));
  await gateway.post("/webhook/little", "{}");
  open("delivered");
  await untilPending(gateway, 0);
  assertEquals(probe.batches.length, 5);
  const place = probe.events.findIndex(({ webhook }) => webhook === "little");
  assert(place <= 11, `the webhook with one event is in the first batch after the open one, not at ${place}`);
});

for (
  const [what, options, results, left] of [
    ["delivered by one attempt", {}, [], 0],
    ["delivered by another attempt, out of the journal", {}, [new DeliveryError("output_failed")], 0],
    ["had by an attempt before", { ordered: true }, [new DeliveryError("output_failed")], 20_000],
  ] as [string, { ordered?: boolean }, DeliveryResult[], number][]
) {
  Deno.test(`the body of an event that was ${what} has ${left} bytes when its output is done`, async () => {
    const probe = durable(options);
    const bodies: EventBody[] = [];
    probe.behaviour = ({ event: { body } }) => {
      bodies.push(body);
      body.doneReading();
      return results.shift() ?? "delivered";
    };
    await using gateway = await start([probe]);
    await gateway.post("/webhook/orders", JSON.stringify("x".repeat(20_000 - 2)));
    await untilPending(gateway, 0);
    assertEquals(probe.events.map(({ text }) => text.length), bodies.map(() => 20_000));
    assertEquals(bodies.at(-1)?.bytes.byteLength, left);
  });
}

Deno.test("a body that its output may go on reading is left alone when it is delivered", async () => {
  const probe = durable();
  const bodies: EventBody[] = [];
  probe.behaviour = ({ event: { body } }) => {
    bodies.push(body);
    return "delivered";
  };
  await using gateway = await start([probe]);
  await gateway.post("/webhook/orders", JSON.stringify("x".repeat(20_000 - 2)));
  await untilPending(gateway, 0);
  assertEquals(bodies.map(({ bytes }) => bytes.byteLength), [20_000]);
});

Deno.test("the events of an ordered output keep their order when one of them fails", async () => {
  const probe = durable({ ordered: true, maxBatch: 4 });
  let failures = 0;
  probe.behaviour = ({ event }) =>
    event.body.text === "3" && failures++ < 2 ? new DeliveryError("output_failed") : "delivered";
  const delivered: string[] = [];
  const behaviour = probe.behaviour;
  probe.behaviour = (delivery, signal) => {
    const result = behaviour(delivery, signal);
    if (result === "delivered") delivered.push(delivery.event.body.text);
    return result;
  };
  await using gateway = await start([probe]);
  for (let number = 0; number < 8; number++) await gateway.post("/webhook/orders", String(number));
  await untilPending(gateway, 0);
  assertEquals([...delivered].sort(), ["0", "1", "2", "3", "4", "5", "6", "7"]);
  const after = delivered.slice(delivered.indexOf("3"));
  assertEquals(after, [...after].sort(), "what came after the failed one was not delivered before it");
});

Deno.test("an output that is out of reach uses up no attempts of the events that wait for it", async () => {
  const probe = durable({ concurrency: 1 });
  let reachable = false;
  probe.behaviour = () => reachable ? "delivered" : new DeliveryError("output_unavailable");
  probe.probe = () => reachable ? Promise.resolve() : Promise.reject(new DeliveryError("output_unavailable"));
  await using gateway = await start([probe], { webhook: { retry: { ...QUICK_RETRY, max_attempts: 2 } } });
  for (let sent = 0; sent < 20; sent++) await gateway.post("/webhook/orders", "{}");
  await eventually(() => assert(probe.events.length > 0));
  reachable = true;
  await untilPending(gateway, 0);
  assertEquals(await deadLetters(gateway), []);
});

Deno.test("a restarted gateway delivers what was accepted before, as it was received", async () => {
  await using data = await TempDir.create();
  const environment = { DATA_DIR: data.path };
  const body = new Uint8Array([0, 255, 10, 13, 128]);
  const hung = durable();
  const { promise: never, resolve: end } = Promise.withResolvers<DeliveryResult>();
  hung.behaviour = () => never;
  let id: string;
  {
    await using gateway = await start([hung], { environment, webhook: { data_type: "blob" } });
    id = eventId(await gateway.post("/webhook/orders", body, { "X-Kind": "order" }));
    await eventually(() => assertEquals(hung.events.length, 1));
  }
  end("delivered");
  const probe = durable();
  const kinds: (string | null)[] = [];
  probe.behaviour = ({ event }) => {
    kinds.push(event.headers.get("x-kind"));
    return "delivered";
  };
  await using gateway = await start([probe], { environment, webhook: { data_type: "blob" } });
  await untilPending(gateway, 0);
  assertEquals(probe.events.map((event) => [event.id, event.bytes]), [[id, body]]);
  assertEquals(kinds, ["order"]);
});

Deno.test("events of a webhook that is switched off wait, and are delivered when it is back", async () => {
  const probe = durable();
  probe.behaviour = () => new DeliveryError("output_failed");
  await using gateway = await start([probe], { webhook: { retry: { ...QUICK_RETRY, max_attempts: 1000 } } });
  let accepted = 0;
  const post = async () => {
    const answer = await gateway.post("/webhook/orders", "{}");
    if (answer.status === 200) accepted++;
    return answer;
  };
  await post();
  await eventually(() => assert(probe.events.length > 0));
  await gateway.writeWebhooks({ orders: { module: "probe", enabled: false } });
  await eventually(async () => assertEquals(errorCode(await post()), "webhook_disabled"));
  await untilPending(gateway, accepted);
  probe.behaviour = () => "delivered";
  await gateway.writeWebhooks({ orders: { module: "probe" } });
  await untilPending(gateway, 0);
});

Deno.test("events beyond the webhook's queue get 503 with Retry-After", async () => {
  const probe = durable();
  const { promise: never, resolve: end } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => never;
  await using gateway = await start([probe], { webhook: { limits: { queue: 2 } } });
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  const refused = await gateway.post("/webhook/orders", "{}");
  assertEquals([refused.status, errorCode(refused)], [503, "overloaded"]);
  assert(Number(refused.headers.get("retry-after")) > 0);
  end("delivered");
  await untilPending(gateway, 0);
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  await untilPending(gateway, 0);
});

Deno.test("no more deliveries of a webhook are under way than its limits allow", async () => {
  const probe = durable();
  let underWay = 0;
  let most = 0;
  probe.behaviour = async (): Promise<DeliveryResult> => {
    most = Math.max(most, ++underWay);
    await Promise.resolve();
    underWay--;
    return "delivered";
  };
  await using gateway = await start([probe], { webhook: { limits: { concurrency: 2 } } });
  await Promise.all(Array.from({ length: 20 }, () => gateway.post("/webhook/orders", "{}")));
  await untilPending(gateway, 0);
  assertEquals([probe.events.length, most <= 2], [20, true]);
});

Deno.test("accepted events are delivered, dead letters or pending, and metrics say how many of each", async () => {
  const probe = durable();
  const { promise: never, resolve: end } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = ({ event }) =>
    event.body.text === "1"
      ? "delivered"
      : event.body.text === "2"
      ? new DeliveryError("output_rejected")
      : never;
  await using gateway = await start([probe]);
  for (const body of ["1", "1", "2", "3"]) await gateway.post("/webhook/orders", body);
  await untilPending(gateway, 1);
  const { text } = await gateway.request("/metrics");
  const value = (line: RegExp) => Number(line.exec(text)?.[1]);
  assertEquals(value(/^cwm_events_accepted_total\{.*\} (\d+)$/m), 4);
  assertEquals(value(/^cwm_events_ended_total\{.*outcome="delivered"\} (\d+)$/m), 2);
  assertEquals(value(/^cwm_events_ended_total\{.*outcome="dead_letter"\} (\d+)$/m), 1);
  assertEquals(value(/^cwm_dead_letters (\d+)$/m), 1);
  end("delivered");
  await untilPending(gateway, 0);
});
