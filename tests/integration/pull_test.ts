import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHmac } from "node:crypto";
import { eventually } from "../support/eventually.ts";
import { errorCode } from "../support/gateway.ts";
import { PullClient } from "../support/relay/pull_client.ts";
import { RelayStream } from "../support/relay/stream.ts";
import { gatewayWebhooks, RELAY_ADMIN_TOKEN, RELAY_TOKEN, RelayWorld } from "../support/relay/world.ts";

function clientOf(world: RelayWorld, token = RELAY_TOKEN): PullClient {
  return new PullClient(world.gateway.url(""), { token });
}

/** The value of a metric with these labels. */
async function metric(world: RelayWorld, series: string): Promise<number> {
  const { text } = await world.gateway.request("/metrics");
  return Number(text.split("\n").find((line) => line.startsWith(`${series} `))?.split(" ")[1]);
}

const WAITING = 'cwm_relay_connections{channel="inbox",transport="pull"}';

Deno.test("a pulling consumer gets an event with names, headers but for credentials, and its lease", async () => {
  await using world = await RelayWorld.start();
  const { orders } = gatewayWebhooks() as { readonly orders: Record<string, unknown> };
  const signature = { provider: "github", secret: "It's a Secret to Everybody" };
  await world.gateway.writeWebhooks({ orders: { ...orders, data_type: "json", signature } });
  await world.gateway.reload();
  const before = Date.now();
  const accepted = await world.gateway.post("/webhook/orders", '{"n":1}', {
    "content-type": "application/json",
    "x-github-event": "push",
    "authorization": "Bearer provider",
    "x-hub-signature-256": `sha256=${createHmac("sha256", signature.secret).update('{"n":1}').digest("hex")}`,
    "x-order": "7",
  });
  const [event, ...others] = await clientOf(world).receive({ n: 10 });
  assertEquals(others, []);
  const { handle, deadline, received_at, headers, ...rest } = event!;
  assertEquals(
    rest,
    {
      attempt: 1,
      event_id: JSON.parse(accepted.text).event_id,
      namespace: "default",
      webhook: "orders",
      event_type: "push",
      content_type: "application/json",
      body: '{"n":1}',
    } as typeof rest,
  );
  assertEquals([headers["x-order"], headers["content-type"]], ["7", "application/json"]);
  assertEquals([headers["authorization"], headers["x-hub-signature-256"], headers["host"]], [
    undefined,
    undefined,
    undefined,
  ]);
  assert(/^[\w.-]{20,}$/.test(handle));
  assert(Date.parse(received_at) >= before && Date.parse(deadline) >= before + 2_000);
});

Deno.test("a pulling consumer gets bodies byte for byte, be they text or not", async () => {
  await using world = await RelayWorld.start();
  const bodies = [
    new TextEncoder().encode('{"text":"\u00fc\u2028\ud83d\ude00"}'),
    new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
    Uint8Array.from({ length: 256 }, (_, index) => index),
    new Uint8Array(),
  ];
  for (const body of bodies) await world.gateway.post("/webhook/orders", body);
  const events = await clientOf(world).receive({ n: 10 });
  assertEquals(
    events.map(({ body, body_base64 }) =>
      body_base64 === undefined ? new TextEncoder().encode(body) : Uint8Array.fromBase64(body_base64)
    ),
    bodies,
  );
});

Deno.test("pull answers 404 for a channel that no webhook names, and 401 for a wrong token", async () => {
  await using world = await RelayWorld.start();
  await world.send(1);
  for (const action of ["receive", "ack", "release", "extend", "reject"]) {
    const stranger = await new PullClient(world.gateway.url(""), { channel: "nothing", token: RELAY_TOKEN })
      .send(action, {});
    assertEquals([stranger.status, errorCode({ text: JSON.stringify(stranger.json) })], [
      404,
      "channel_not_found",
    ]);
    for (
      const authorization of ["Bearer wrong-token", `Basic ${RELAY_TOKEN}`, "", `Bearer ${RELAY_TOKEN}x`]
    ) {
      const headers: Record<string, string> = authorization === "" ? {} : { authorization };
      const answer = await world.gateway.post(`/pull/inbox/${action}`, "{}", headers);
      assertEquals([answer.status, errorCode(answer)], [401, "unauthorized"]);
      assertEquals(answer.headers.get("www-authenticate"), "Bearer");
    }
  }
  assertEquals((await world.gateway.request("/pull/inbox/receive")).status, 405);
  for (const path of ["/pull/inbox", "/pull/inbox/take", "/pull/inbox/receive/x", "/pull/inbox/toString"]) {
    assertEquals((await world.gateway.post(path, "{}")).status, 404);
  }
  assertEquals((await world.status()).messages_queued, 1);
});

Deno.test("pull refuses what is not a request, with what is wrong", async () => {
  await using world = await RelayWorld.start();
  const client = clientOf(world);
  const cases: [string, unknown][] = [
    ["receive", "{"],
    ["receive", "[]"],
    ["receive", { n: 0 }],
    ["receive", { n: 101 }],
    ["receive", { n: 1.5 }],
    ["receive", { wait: 31 }],
    ["receive", { wait: -1 }],
    ["receive", { lease: 0 }],
    ["receive", { lease: 3_601 }],
    ["receive", { wiat: 30 }],
    ["ack", {}],
    ["ack", { handles: [] }],
    ["ack", { handles: "handle" }],
    ["ack", { handles: Array(1_001).fill("handle") }],
    ["release", { handles: ["handle"], delay: 3_601 }],
    ["extend", { handles: ["handle"], lease: 3_601 }],
  ];
  for (const [action, body] of cases) {
    const { status, json } = await client.send(action, body);
    assertEquals(
      [status, (json["error"] as { code: string }).code],
      [400, "invalid_message"],
      JSON.stringify(body),
    );
  }
  const large = await client.send("ack", { handles: ["x".repeat(1024 * 1024)] });
  assertEquals(large.status, 413);
  assertEquals((await client.send("receive", "")).json, { events: [] }, "nothing needs to be said");
});

Deno.test("a handle counts for its own lease, in its own channel, and cannot be guessed", async () => {
  await using world = await RelayWorld.start();
  const config = (channel: string) => ({
    module: "webhook_connect",
    "module-config": { channel, channel_token: RELAY_TOKEN },
  });
  await world.gateway.writeWebhooks({ orders: config("inbox"), others: config("outbox") });
  await world.gateway.reload();
  await world.send(2);
  const client = clientOf(world);
  const [first, second] = await client.receive({ n: 2 });
  const outbox = new PullClient(world.gateway.url(""), { channel: "outbox", token: RELAY_TOKEN });
  const [lease, code] = first!.handle.split(".") as [string, string];
  const otherLease = second!.handle.split(".")[0];
  const forged = [
    `${otherLease}.${code}`,
    `${lease}.${code.slice(0, -1)}${code.endsWith("A") ? "E" : "A"}`,
    `${lease}.`,
    lease,
    first!.event_id,
    "",
    `${first!.handle} `,
  ];
  const asked = [...forged.map((handle) => [client, handle] as const), [outbox, first!.handle] as const];
  for (const [asker, handle] of asked) {
    for (const action of ["ack", "release", "extend", "reject"]) {
      const { status, json } = await asker.send(action, {
        handles: [first!.handle, handle].slice(asker === outbox ? 1 : 0),
      });
      assertEquals([status, (json["error"] as { code: string }).code], [400, "invalid_handle"], handle);
    }
  }
  // Not even those were carried out that stood beside them.
  assertEquals(await client.ack(first!, second!), { acknowledged: 2, lost: [] });
});

Deno.test("a handle counts for both tokens while tokens are changed, and no longer than its own", async () => {
  await using world = await RelayWorld.start({ channel: { channel_token: [RELAY_TOKEN, "relay-token-2"] } });
  await world.send(3);
  const [first, second, third] = await clientOf(world).receive({ n: 3 });
  const later = clientOf(world, "relay-token-2");
  assertEquals(await later.ack(first!), { acknowledged: 1, lost: [] });
  await world.configure({ channel_token: "relay-token-2" });
  assertEquals((await later.send("ack", { handles: [second!.handle] })).status, 400);
  assertEquals((await clientOf(world).send("ack", { handles: [third!.handle] })).status, 401);
});

Deno.test("several leases are settled at once, and those that were over are named", async () => {
  await using world = await RelayWorld.start();
  await world.send(4);
  const client = clientOf(world);
  const events = await client.receive({ n: 4 });
  assertEquals(await client.ack(events[0]!, events[0]!), { acknowledged: 1, lost: [] });
  assertEquals(await client.ack(...events.slice(0, 2)), { acknowledged: 1, lost: [events[0]!.handle] });
  assertEquals(await client.release(events.slice(1, 3)), {
    released: 1,
    dead_letters: 0,
    lost: [events[1]!.handle],
  });
  const extended = await client.extend(events.slice(2), 60);
  assertEquals([extended["extended"], extended["lost"]], [1, [events[2]!.handle]]);
  assertEquals(await client.reject(events.slice(2), "Unknown order"), {
    rejected: 1,
    lost: [events[2]!.handle],
  });
  const [again] = await client.receive({ n: 4 });
  assertEquals([again?.event_id, again?.attempt], [events[2]!.event_id, 2]);
  assertEquals((await world.deadLetters()).map(({ id, reason }) => [id, reason]), [[
    events[3]!.event_id,
    "output_rejected",
  ]]);
});

Deno.test("a released event comes back after its delay, and wakes a poll that waits", async () => {
  await using world = await RelayWorld.start();
  await world.send(1);
  const client = clientOf(world);
  const leased = await client.receive();
  const begun = performance.now();
  await client.release(leased, 0.3);
  const [again] = await client.receive({ wait: 30 });
  assertEquals(again?.attempt, 2);
  assert(performance.now() - begun >= 290, "it came back too early");
  const waiting = client.receive({ wait: 30 });
  await client.release([again!]);
  assertEquals((await waiting).map(({ attempt }) => attempt), [3]);
});

Deno.test("once a lease has ended, the event is another consumer's, and only an ack still counts", async () => {
  await using world = await RelayWorld.start();
  await world.send(1);
  const client = clientOf(world);
  const late = await client.receive({ lease: 0.1 });
  const [taken] = await client.receive({ wait: 30 });
  assertEquals(taken?.attempt, 2);
  const lost = [late[0]!.handle];
  assertEquals(await client.release(late), { released: 0, dead_letters: 0, lost });
  assertEquals(await client.reject(late, "no"), { rejected: 0, lost });
  assertEquals((await client.extend(late, 60))["lost"], lost);
  assertEquals(await client.ack(...late), { acknowledged: 1, lost: [] });
  await world.empty();
  assertEquals(await client.ack(taken!), { acknowledged: 0, lost: [taken!.handle] });
});

Deno.test("an extended lease lasts, over a restart of the gateway too", async () => {
  await using world = await RelayWorld.start();
  await world.send(2);
  const leased = await clientOf(world).receive({ n: 2, lease: 0.5 });
  await clientOf(world).extend(leased, 600);
  await world.restartGateway();
  const client = clientOf(world);
  assertEquals(await client.receive({ n: 10, wait: 0.6 }), []);
  assertEquals(await client.release(leased.slice(0, 1)), { released: 1, dead_letters: 0, lost: [] });
  assertEquals((await client.receive({ n: 10, wait: 30 })).map(({ attempt }) => attempt), [2]);
  assertEquals(await client.ack(leased[1]!), { acknowledged: 1, lost: [] });
});

Deno.test("an event that was released or lost too often is a dead letter, with as many attempts", async () => {
  await using world = await RelayWorld.start({ channel: { max_deliveries: 2 } });
  const client = clientOf(world);
  await world.send(1);
  await client.release(await client.receive());
  const released = await client.receive();
  assertEquals(released.map(({ attempt }) => attempt), [2]);
  assertEquals(await client.release(released), { released: 0, dead_letters: 1, lost: [] });
  await world.send(1);
  await client.receive({ lease: 0.1 });
  const [lost] = await client.receive({ wait: 30, lease: 0.1 });
  assertEquals(lost?.attempt, 2);
  await eventually(async () => {
    assertEquals(await client.receive(), []);
    const { messages_queued: queued, messages_in_flight: inFlight } = await world.status();
    assertEquals(queued + inFlight, 0);
  });
  const { text } = await world.gateway.request("/admin/dead-letters", {
    headers: { authorization: `Bearer ${RELAY_ADMIN_TOKEN}` },
  });
  const letters = JSON.parse(text).dead_letters as { readonly reason: string; readonly attempts: number }[];
  assertEquals(
    letters.map(({ reason, attempts }) => [reason, attempts]),
    [["output_failed", 2], ["output_failed", 2]],
  );
});

Deno.test("a connector and pulling consumers share a channel, each event being one's", async () => {
  await using world = await RelayWorld.start({ channel: { max_deliveries: 3 } });
  await using stream = await RelayStream.open(world.gateway.url(""), { "cwm-relay-window": "2" });
  const client = clientOf(world);
  await world.send(4);
  const [one, other] = await stream.waitForWebhooks(2);
  const pulled = await client.receive({ n: 10, wait: 30 });
  assertEquals([...stream.bodies, ...pulled.map(({ body }) => body)], [0, 1, 2, 3].map((n) => `{"n":${n}}`));
  await client.release(pulled.slice(0, 1));
  stream.ack(one!);
  await stream.waitForWebhooks(3);
  assertEquals(stream.webhooks.map(({ delivery }) => delivery), [1, 1, 2]);
  assertEquals(await client.release(pulled.slice(0, 1)), {
    released: 0,
    dead_letters: 0,
    lost: [pulled[0]!.handle],
  });
  stream.send({ type: "nack", message_id: stream.webhooks[2]!["message_id"], retry: true });
  await stream.waitForWebhooks(4);
  stream.send({ type: "nack", message_id: stream.webhooks[3]!["message_id"], retry: true });
  await eventually(async () =>
    assertEquals((await world.deadLetters()).map(({ reason }) => reason), ["output_failed"])
  );
  await client.ack(...pulled);
  stream.ack(other!);
  await world.empty();
});

Deno.test("a consumer that goes away while it waits loses no event, and the next one gets it at once", async () => {
  await using world = await RelayWorld.start();
  const client = clientOf(world);
  for (let round = 0; round < 5; round++) {
    const gone = new AbortController();
    const abandoned = assertRejects(() => client.receive({ wait: 30, lease: 3_600 }, gone.signal));
    await eventually(async () => assertEquals(await metric(world, WAITING) > 0, true));
    // The event and the end come together: whichever is first, nothing is lost.
    const sent = world.send(1, { from: round });
    gone.abort();
    await abandoned;
    await sent;
    const events = await client.receive({ wait: 30 });
    assertEquals(events.map(({ body }) => body), [`{"n":${round}}`]);
    await client.ack(...events);
  }
});

Deno.test("what a consumer does not read of its answer is given back at once", async () => {
  await using world = await RelayWorld.start();
  const body = "x".repeat(9_000_000);
  assertEquals((await world.gateway.post("/webhook/orders", body)).status, 200);
  const cut = new AbortController();
  const response = await fetch(world.gateway.url("/pull/inbox/receive"), {
    method: "POST",
    headers: { authorization: `Bearer ${RELAY_TOKEN}` },
    body: '{"lease":3600}',
    signal: cut.signal,
  });
  const reader = response.body!.getReader();
  await reader.read();
  cut.abort();
  await assertRejects(async () => {
    while (!(await reader.read()).done);
  });
  const [again] = await clientOf(world).receive({ wait: 30 });
  assertEquals([again?.attempt, again?.body_base64 !== undefined], [2, true]);
});

Deno.test("pull lets as many polls wait as the channel allows, and none takes a webhook's place", async () => {
  await using world = await RelayWorld.start({
    channel: { max_polls: 3 },
    environment: { MAX_INFLIGHT: "2" },
  });
  const client = clientOf(world);
  const waiting = Array.from({ length: 3 }, () => client.receive({ wait: 30 }));
  await eventually(async () => assertEquals(await metric(world, WAITING), 3));
  const refused = await client.send("receive", { wait: 30 });
  assertEquals(refused.status, 503);
  assertEquals((refused.json["error"] as { code: string }).code, "too_many_connections");
  assertEquals(refused.headers.get("retry-after"), "5");
  assertEquals(await client.receive(), [], "one that does not wait is let in");
  assertEquals(await metric(world, "cwm_inflight_requests"), 0);
  await world.send(3);
  const events = (await Promise.all(waiting)).flat();
  assertEquals(events.map(({ body }) => body).sort(), [0, 1, 2].map((n) => `{"n":${n}}`));
  await client.ack(...events);
});

Deno.test("polls wait on half of the connections at most, the others are for webhooks", async () => {
  await using world = await RelayWorld.start({ environment: { MAX_CONNECTIONS: "4" } });
  const client = clientOf(world);
  const waiting = [client.receive({ wait: 30 }), client.receive({ wait: 30 })];
  await eventually(async () => assertEquals(await metric(world, WAITING), 2));
  assertEquals((await client.send("receive", { wait: 30 })).status, 503);
  await world.send(2);
  assertEquals((await Promise.all(waiting)).flat().length, 2);
});

Deno.test("a poll that waits is refused when its token or its channel is taken away", async () => {
  await using world = await RelayWorld.start();
  const waits = async (change: () => Promise<void>) => {
    const waiting = clientOf(world).send("receive", { wait: 30 });
    await eventually(async () => assertEquals(await metric(world, WAITING), 1));
    await change();
    const { status, json } = await waiting;
    return [status, (json["error"] as { code: string }).code];
  };
  assertEquals(await waits(() => world.configure({ channel_token: "another-token" })), [401, "unauthorized"]);
  await world.configure({});
  assertEquals(await waits(() => world.configure({ channel: "outbox" })), [404, "channel_not_found"]);
});

Deno.test("a gateway that drains answers polls that wait with nothing, and lets none in any more", async () => {
  await using world = await RelayWorld.start({ environment: { SHUTDOWN_GRACE_MS: "0" } });
  const client = clientOf(world);
  const waiting = Array.from({ length: 3 }, () => client.send("receive", { wait: 30 }));
  await eventually(async () => assertEquals(await metric(world, WAITING), 3));
  const drained = world.gateway.drain();
  const answers = await Promise.all(waiting);
  assertEquals(answers.map(({ status, json }) => [status, json]), Array(3).fill([200, { events: [] }]));
  await drained;
});

Deno.test("pull shows in the metrics what was handed out and settled", async () => {
  await using world = await RelayWorld.start();
  await world.send(3);
  const client = clientOf(world);
  const events = await client.receive({ n: 3 });
  await client.ack(events[0]!);
  await client.release(events.slice(1, 2));
  await client.reject(events.slice(2), "no");
  await client.receive();
  const series = [
    'cwm_relay_messages_total{channel="inbox"}',
    'cwm_relay_redelivered_total{channel="inbox"}',
    'cwm_relay_settled_total{channel="inbox",outcome="acknowledged"}',
    'cwm_relay_settled_total{channel="inbox",outcome="released"}',
    'cwm_relay_settled_total{channel="inbox",outcome="rejected"}',
  ];
  assertEquals(await Promise.all(series.map((one) => metric(world, one))), [4, 1, 1, 1, 1]);
});
