import { assertEquals, assertMatch } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { idSuffixOf } from "../../src/modules/id_suffix.ts";
import { natsModule } from "../../src/modules/nats/nats.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { consume } from "../support/nats/consumer.ts";
import { eventIdOf } from "../support/nats/desk.ts";
import { DESK_USER, NatsServer } from "../support/nats/server.ts";
import { OpenOutput } from "../support/open_output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const STREAM = "ORDERS";
const CONFIG = { subject: "orders.{webhook_id}" };

function open(
  { port }: NatsServer,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<OpenOutput> {
  return OpenOutput.open(natsModule, { servers: `nats://127.0.0.1:${port}`, ...settings });
}

/** A server with a stream of orders. */
async function startServer(...options: Parameters<typeof NatsServer.start>): Promise<NatsServer> {
  const server = await NatsServer.start(...options);
  await (await server.desk()).createStream(STREAM, ["orders.>"]);
  return server;
}

function codesOf(results: readonly DeliveryResult[]): string[] {
  return results.map((result) => result === "delivered" ? result : result.code);
}

function messageOf(result: DeliveryResult | undefined): string {
  return result instanceof DeliveryError ? result.message : String(result);
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => verifiedEvent({ body: `{"number":${index}}` }));

Deno.test("nats stores what a Python consumer reads, and no header that the server acts on", async () => {
  await using server = await startServer();
  await using output = await open(server);
  const earlier = verifiedEvent();
  const event = verifiedEvent({
    namespace: "shop",
    type: "order\r\npaid",
    headers: {
      "content-type": "application/json",
      "x-shop": "Zo\u00c3\u00ab",
      "x-latin": "Zo\u00eb",
      "nats-rollup": "all",
      "nats-expected-stream": "OTHER",
      cookie: "s3cret",
    },
    body: '{"id":12345678901234567890, "price":1.0}',
  });
  const config = { ...CONFIG, forward_headers: true };
  assertEquals(await output.attempt(earlier, config), "delivered");
  assertEquals(await output.attempt(event, config), "delivered");
  const [first, message] = await consume(server.port, STREAM, 2);
  assertEquals(first!.headers.get("cwm-event-id"), earlier.id);
  assertEquals(new TextDecoder().decode(message!.body), '{"id":12345678901234567890, "price":1.0}');
  assertEquals(Object.fromEntries(message!.headers), {
    "Nats-Msg-Id": event.id + idSuffixOf(["orders.{webhook_id}", undefined, true]),
    "cwm-event-id": event.id,
    "cwm-namespace": "shop",
    "cwm-webhook": "orders",
    "cwm-received-at": "2026-01-02T03:04:05.678Z",
    "cwm-event-type": "order\ufffd\ufffdpaid",
    "content-type": "application/json",
    "x-shop": "Zoë",
    "x-latin": "Zoë",
  });
});

Deno.test("nats keeps what a payload puts into a subject within its token", async () => {
  await using server = await startServer();
  await using output = await open(server);
  const config = { subject: "orders.{namespace}.{/device/id}.{event_type}" };
  const of = (id: unknown, type = "on.off") =>
    verifiedEvent({ type, body: JSON.stringify({ device: { id } }) });
  const values = ["a.b", "*", ">", "a b\r\nPUB x 0", "$JS.API", "Zoë 🎉\0", "{event_id}", 12, true, "\ud800"];
  const hostile = values.map((id) => of(id));
  const lacking = [of(null), of(""), of({ a: 1 }), of("x".repeat(256)), of("é".repeat(43)), of("a", "")];
  assertEquals(codesOf(await output.deliver([...hostile, ...lacking], config)), [
    ...hostile.map(() => "delivered"),
    ...lacking.map(() => "output_rejected"),
  ]);
  const tokens = [
    "a%2Eb",
    "%2A",
    "%3E",
    "a%20b%0D%0APUB%20x%200",
    "%24JS%2EAPI",
    "Zo%C3%AB%20%F0%9F%8E%89%00",
    "%7Bevent_id%7D",
    "12",
    "true",
    "%EF%BF%BD",
  ];
  const stored = await (await server.desk()).messages(STREAM);
  assertEquals(
    stored.map(({ subject }) => subject).sort(),
    tokens.map((token) => `orders.default.${token}.on%2Eoff`).sort(),
  );
});

Deno.test("nats has an event stored once at each subject, or once for each message id of its own", async () => {
  await using server = await startServer();
  await using output = await open(server);
  const event = verifiedEvent({ body: '{"order":{"id":7}}' });
  const own = { subject: "orders.own", message_id: "order-{/order/id}" };
  for (const config of [CONFIG, CONFIG, { subject: "orders.other" }, own, own]) {
    assertEquals(await output.attempt(event, config), "delivered");
  }
  assertEquals(
    await output.attempt(verifiedEvent({ body: '{"order":{"id":7}, "again":true}' }), own),
    "delivered",
  );
  const stored = await (await server.desk()).messages(STREAM);
  assertEquals(stored.map(({ subject, headers }) => [subject, headers.get("Nats-Msg-Id")]), [
    ["orders.orders", event.id + idSuffixOf([CONFIG.subject, undefined, false])],
    ["orders.other", event.id + idSuffixOf(["orders.other", undefined, false])],
    ["orders.own", "order-7"],
  ]);
});

Deno.test("nats publishes with core NATS only where that is asked for, and sees what is not permitted", async () => {
  const rights = '{ publish: ["news.>"], subscribe: ["_INBOX.>"] }';
  await using server = await NatsServer.start({
    authorization: [`users: [ ${DESK_USER}, { user: gateway, password: s3cret, permissions: ${rights} } ]`],
  });
  const desk = await server.desk();
  await desk.listen(">");
  await using output = await open(server, { username: "gateway", password: "s3cret" });
  const config = { subject: "{/at}.x", unconfirmed: true };
  const events = ["news", "closed", "news"].map((at) => verifiedEvent({ body: JSON.stringify({ at }) }));
  const results = await output.deliver(events, config);
  assertEquals(codesOf(results), ["delivered", "output_failed", "delivered"]);
  assertMatch(messageOf(results[1]), /does not permit the user to publish on 'closed\.x'/);
  // What the server says of one batch comes together with what it says of the next.
  const closed = { subject: "closed.x", unconfirmed: true };
  const both = await Promise.all([numbered(2), numbered(2)].map((batch) => output.deliver(batch, closed)));
  assertEquals(codesOf(both.flat()), new Array(4).fill("output_failed"));
  const heard = await desk.heard();
  assertEquals(heard.map(eventIdOf), [events[0]!.id, events[2]!.id]);
  assertEquals(heard[0]!.headers.has("Nats-Msg-Id"), false);
  // Without a stream nothing confirms, though somebody listens.
  await using patient = await open(server, { username: "gateway", password: "s3cret", timeout: 0.2 });
  const [unconfirmed] = await patient.deliver([verifiedEvent()], { subject: "news.x" });
  assertMatch(messageOf(unconfirmed), /got no confirmation of 'news\.x' within 200 ms/);
});

Deno.test("nats rejects what is never taken, and the others of its batch arrive", async () => {
  await using server = await startServer({ lines: ["max_payload: 100000"] });
  const desk = await server.desk();
  await desk.createStream("SMALL", ["small.>"], { max_msg_size: 1000 });
  await using output = await open(server);
  const config = { subject: "{/at}.x", forward_headers: true };
  const bodies = [
    { at: "orders" },
    { at: "orders", fill: "x".repeat(100_000) },
    { at: "small", fill: "x".repeat(2_000) },
    { at: "small" },
  ];
  const events = bodies.map((body) => verifiedEvent({ body: JSON.stringify(body) }));
  events.push(verifiedEvent({ headers: { "x-long": "x".repeat(66_000) }, body: '{"at":"orders"}' }));
  const results = await output.deliver(events, config);
  assertEquals(codesOf(results), [
    "delivered",
    "output_rejected",
    "output_rejected",
    "delivered",
    "output_rejected",
  ]);
  assertMatch(messageOf(results[1]), /takes messages of at most 100000 bytes/);
  assertMatch(messageOf(results[2]), /see the stream's max_msg_size \(10054\)/);
  assertMatch(messageOf(results[4]), /headers of more than 64 KiB/);
});

Deno.test("nats tries again while a stream is full, silent or not there, and goes on then", async () => {
  await using server = await startServer();
  const desk = await server.desk();
  await using output = await open(server, { timeout: 0.2 });
  const refusal = async (event = verifiedEvent()) => messageOf((await output.deliver([event], CONFIG))[0]);
  const subjects = ["orders.>"];
  await desk.updateStream(STREAM, subjects, { max_msgs: 1, discard: "new" });
  assertEquals(await refusal(), "delivered");
  const waiting = verifiedEvent();
  assertMatch(await refusal(waiting), /the stream is full, or its disk is \(10077\)/);
  await desk.updateStream(STREAM, subjects, { max_msgs: 10, discard: "new" });
  assertEquals(await refusal(waiting), "delivered");
  await desk.updateStream(STREAM, subjects, { max_msgs: 10, discard: "new", no_ack: true });
  assertMatch(await refusal(), /got no confirmation/);
  await desk.deleteStream(STREAM);
  assertMatch(await refusal(), /has no stream that takes 'orders\.orders'/);
  await desk.createStream(STREAM, subjects);
  assertEquals(await refusal(), "delivered");
});

Deno.test("nats pauses when a server refuses the password, and goes on when it has been restored", async () => {
  const users = (password: string) => ({
    authorization: [`users: [ ${DESK_USER}, { user: gateway, password: "${password}" } ]`],
  });
  await using server = await startServer(users("s3cret"));
  await using output = await open(server, { username: "gateway", password: "s3cret" });
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered");
  await server.reload(users("other"));
  await eventually(async () => {
    const [result] = await output.deliver([verifiedEvent()], CONFIG);
    assertEquals(result instanceof DeliveryError && result.code, "output_unavailable");
    assertMatch(messageOf(result), /does not let this user in/);
  });
  await server.reload(users("s3cret"));
  await eventually(async () => assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered"));
});

Deno.test("nats gives a frozen server up after timeout, and loses nothing when it is killed", async () => {
  await using server = await startServer();
  await using output = await open(server, { timeout: 0.5 });
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered");
  await server.freeze();
  const early = numbered(100);
  // Without the end of its patience none of these would ever end.
  assertEquals(new Set(codesOf(await output.deliver(early, CONFIG))), new Set(["output_timeout"]));
  server.thaw();
  const pending = new Set([...early, ...numbered(400)]);
  const confirmed = new Set<string>();
  const deliverAll = async () => {
    const batch = [...pending].slice(0, 50);
    const results = await output.deliver(batch, CONFIG);
    batch.forEach((event, index) => {
      if (results[index] !== "delivered") return;
      pending.delete(event);
      confirmed.add(event.id);
    });
  };
  await eventually(async () => {
    await deliverAll();
    assertEquals(confirmed.size > 150, true);
  });
  const underWay = deliverAll();
  await server.kill();
  await underWay;
  await server.restart();
  await eventually(async () => {
    await deliverAll();
    assertEquals(pending.size, 0);
  });
  const stored = (await (await server.desk()).messages(STREAM)).map(eventIdOf);
  assertEquals([...confirmed].filter((id) => !stored.includes(id)), []);
  assertEquals(stored.length, new Set(stored).size, "what comes again is known by its message id");
});

Deno.test("nats goes to the next server of a list, also back, when one cannot be reached", async () => {
  await using first = await startServer();
  await using second = await startServer();
  await using output = await OpenOutput.open(natsModule, {
    servers: [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`],
    timeout: 0.5,
  });
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered");
  await first.kill();
  await eventually(async () => assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered"));
  await first.restart();
  await second.freeze();
  await eventually(async () => assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered"));
});

Deno.test("nats has an event once in each form that the steps of a chain give it", async () => {
  await using server = await startServer();
  const step = { module: "nats", "module-config": { subject: "orders.all" } };
  const chain = [step, { ...step, payload: { keep: ["/a"] } }, { ...step, payload: { drop: ["/a"] } }, step];
  await using gateway = await TestGateway.start({
    webhooks: { orders: { accept: "delivered", chain } },
    connections: { nats: { type: "nats", servers: `127.0.0.1:${server.port}` } },
  });
  assertEquals((await gateway.post("/webhook/orders", '{"a":1,"b":2}')).status, 200);
  const stored = await (await server.desk()).messages(STREAM);
  assertEquals(
    stored.map(({ body }) => new TextDecoder().decode(body)),
    ['{"a":1,"b":2}', '{"a":1}', '{"b":2}'],
  );
  assertEquals(new Set(stored.map(eventIdOf)).size, 1);
});
