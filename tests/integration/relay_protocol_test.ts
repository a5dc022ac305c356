import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { errorCode } from "../support/gateway.ts";
import { RawHttpConnection } from "../support/http/raw_http.ts";
import { relayHeaders, RelayStream } from "../support/relay/stream.ts";
import { PullClient } from "../support/relay/pull_client.ts";
import { RELAY_ADMIN_TOKEN, RELAY_TOKEN, RelayWorld } from "../support/relay/world.ts";

const STREAM = "/connect/stream/inbox";

Deno.test("relay answers 404 for a channel that no webhook names, and 401 for a wrong token", async () => {
  await using world = await RelayWorld.start();
  for (const route of [STREAM, `${STREAM}/sse`, `${STREAM}/poll`, "/connect/status/inbox"]) {
    const stranger = await world.gateway.request(route.replace("inbox", "nothing"), {
      headers: relayHeaders(),
    });
    assertEquals([stranger.status, errorCode(stranger)], [404, "channel_not_found"]);
    for (const authorization of ["Bearer wrong-token", `Basic ${RELAY_TOKEN}`, ""]) {
      const answer = await world.gateway.request(route, { headers: relayHeaders({ authorization }) });
      assertEquals([answer.status, errorCode(answer)], [401, "unauthorized"]);
      assertEquals(answer.headers.get("www-authenticate"), "Bearer");
    }
  }
});

Deno.test("relay refuses a protocol version that it does not speak, and a connector that names none", async () => {
  await using world = await RelayWorld.start();
  const unknown = await world.gateway.request(`${STREAM}/sse`, {
    headers: relayHeaders({ "cwm-relay-protocol": "7, 9" }),
  });
  assertEquals([unknown.status, errorCode(unknown)], [400, "unsupported_protocol"]);
  assertStringIncludes(unknown.text, 'the connector speaks \\"7, 9\\". This gateway speaks version 2, 1');
  const { "cwm-relay-protocol": _, ...without } = relayHeaders();
  const silent = await world.gateway.request(STREAM, { headers: without });
  assertEquals([silent.status, errorCode(silent)], [400, "unsupported_protocol"]);
  for (const [spoken, chosen] of [["2,1", 2], ["1, 2, 3", 2], ["1,3", 1]] as const) {
    await using stream = await RelayStream.open(world.gateway.url(""), { "cwm-relay-protocol": spoken });
    assertEquals(stream.messages[0]?.["protocol"], chosen);
  }
});

Deno.test("relay says that a plain request to the stream of a WebSocket must be one", async () => {
  await using world = await RelayWorld.start();
  const answer = await world.gateway.request(STREAM, { headers: relayHeaders() });
  assertEquals([answer.status, errorCode(answer)], [400, "upgrade_required"]);
  // The handshake lacks its key.
  await using connection = await RawHttpConnection.open(world.gateway.port);
  await connection.write(
    `GET ${STREAM} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${RELAY_TOKEN}\r\n` +
      "CWM-Relay-Protocol: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  assertEquals((await connection.readResponse()).status, 400);
  assertEquals((await world.status()).connected_clients, 0);
});

Deno.test("relay hands out as many messages as the window allows, and more as they are acknowledged", async () => {
  await using world = await RelayWorld.start({ channel: { max_in_flight: 3 } });
  await world.send(5);
  await using stream = await RelayStream.open(world.gateway.url(""), { "cwm-relay-window": "50" });
  assertEquals(stream.messages[0]?.["window"], 3);
  const [first] = await stream.waitForWebhooks(3);
  assertEquals(await world.status().then(({ messages_in_flight }) => messages_in_flight), 3);
  stream.ack(first!);
  await stream.waitForWebhooks(4);
  assertEquals(stream.bodies, [0, 1, 2, 3].map((n) => `{"n":${n}}`));
});

Deno.test("relay counts the bytes of a window: large messages come one by one, as acknowledged", async () => {
  // Coding 9 MiB may hold up this process, which is gateway and connector, for longer than three short heartbeats.
  await using world = await RelayWorld.start({ channel: { heartbeat_interval_seconds: 30 } });
  const body = JSON.stringify("x".repeat(9 * 1024 * 1024));
  for (let n = 0; n < 3; n++) assertEquals((await world.gateway.post("/webhook/orders", body)).status, 200);
  await world.send(1);
  await using stream = await RelayStream.open(world.gateway.url(""), { "cwm-relay-window": "100" });
  for (const count of [1, 2, 3]) {
    const messages = await stream.waitForWebhooks(count);
    assertEquals((await world.status()).messages_in_flight, 1);
    stream.ack(messages[count - 1]!);
  }
  await stream.waitForWebhooks(4);
  assertEquals(stream.bodies.at(-1), '{"n":0}');
});

Deno.test("relay frees the place of a long poll that has no successor, and of one that broke off", async () => {
  await using world = await RelayWorld.start({ channel: { max_connections: 2 } });
  const poll = async (headers: Record<string, string> = {}, signal: AbortSignal | null = null) => {
    const answer = await world.gateway.request(`${STREAM}/poll?timeout=60`, {
      headers: relayHeaders(headers),
      signal,
    });
    return { status: answer.status, ...JSON.parse(answer.text) as { readonly connection_id: string } };
  };
  const { connection_id: id } = await poll();
  await poll();
  await eventually(async () => assertEquals((await poll()).status, 200));
  // None is there any more but those of the last moment, and a connector that comes back finds itself replaced.
  await eventually(async () => assertEquals((await world.status()).connected_clients, 0));
  await poll({ "last-event-id": `${id}.0` });
  const waiting = await poll();
  const broken = new AbortController();
  const polling = poll({ "last-event-id": `${waiting.connection_id}.0` }, broken.signal);
  await eventually(async () => assertEquals((await world.status()).connected_clients > 0, true));
  broken.abort();
  await assertRejects(() => polling);
  await eventually(async () => assertEquals((await world.status()).connected_clients, 0));
});

Deno.test("relay counts no delivery of a message that came too late for a poll", async () => {
  await using world = await RelayWorld.start();
  const poll = async (seconds: number, headers: Record<string, string> = {}) => {
    const path = `${STREAM}/poll?timeout=${seconds}`;
    const { text } = await world.gateway.request(path, { headers: relayHeaders(headers) });
    return JSON.parse(text) as { readonly connection_id: string; readonly messages: { delivery: number }[] };
  };
  const { connection_id: id } = await poll(0);
  await world.send(1);
  const resume = { "last-event-id": `${id}.0` };
  for (let count = 0; count < 20; count++) {
    const { messages } = await poll(0, resume);
    for (const { delivery } of messages) assertEquals(delivery, 1);
  }
  assertEquals((await poll(10, resume)).messages.map(({ delivery }) => delivery), [1]);
});

Deno.test("relay shares the messages of a channel among its connectors, each message once", async () => {
  await using world = await RelayWorld.start();
  await using one = await RelayStream.open(world.gateway.url(""), { "cwm-relay-window": "2" });
  await using other = await RelayStream.open(world.gateway.url(""), { "cwm-relay-window": "2" });
  await world.send(4);
  await one.waitForWebhooks(2);
  await other.waitForWebhooks(2);
  assertEquals([...one.bodies, ...other.bodies].sort(), [0, 1, 2, 3].map((n) => `{"n":${n}}`));
});

Deno.test("relay lets no more connectors in than the channel may have", async () => {
  await using world = await RelayWorld.start({ channel: { max_connections: 1 } });
  await using stream = await RelayStream.open(world.gateway.url(""));
  const answer = await world.gateway.request(`${STREAM}/sse`, { headers: relayHeaders() });
  assertEquals([answer.status, errorCode(answer)], [503, "too_many_connections"]);
  assertEquals(answer.headers.get("retry-after"), "5");
  await stream.close();
  await using _next = await eventually(() => RelayStream.open(world.gateway.url("")));
});

Deno.test("relay hands a message out again, with its count, when the connector says goodbye", async () => {
  await using world = await RelayWorld.start();
  await world.send(1);
  const stream = await RelayStream.open(world.gateway.url(""));
  const [first] = await stream.waitForWebhooks(1);
  await stream.close(1000);
  await using again = await RelayStream.open(world.gateway.url(""));
  const [second] = await again.waitForWebhooks(1);
  assertEquals(second?.["message_id"], first?.["message_id"]);
  assertEquals([first?.["delivery"], second?.["delivery"]], [1, 2]);
});

Deno.test("relay hands a message out again when its connector is lost and does not come back in time", async () => {
  await using world = await RelayWorld.start({ channel: { ack_timeout_seconds: 0.3 } });
  await world.send(1);
  const lost = await RelayStream.open(`http://${world.proxy.address}`);
  await lost.waitForWebhooks(1);
  world.proxy.cut();
  await lost.closed;
  await using other = await RelayStream.open(world.gateway.url(""));
  const [message] = await other.waitForWebhooks(1);
  assertEquals(message?.["delivery"], 2);
});

Deno.test("relay keeps a message for a connector that is slow but alive, for longer than the time-out", async () => {
  await using world = await RelayWorld.start({
    channel: { ack_timeout_seconds: 0.8, heartbeat_interval_seconds: 0.2 },
  });
  await world.send(1);
  await using slow = await RelayStream.open(world.gateway.url(""));
  await using other = await RelayStream.open(world.gateway.url(""));
  await eventually(() => slow.webhooks.length + other.webhooks.length === 1);
  // Both answer heartbeats for as long as two time-outs.
  await eventually(() => slow.heartbeats >= 8 && other.heartbeats >= 8);
  assertEquals(slow.webhooks.length + other.webhooks.length, 1);
});

Deno.test("relay ends a connection that has been silent for three heartbeats", async () => {
  await using world = await RelayWorld.start({ channel: { heartbeat_interval_seconds: 0.1 } });
  await using stream = await RelayStream.open(world.gateway.url(""), {}, { isSilent: true });
  const { code } = await stream.closed;
  assertEquals(code, 4408);
  assertEquals(stream.messages.at(-1)?.["code"], "heartbeat_missed");
});

Deno.test("relay resumes a lost connection: what arrived is kept, the rest is handed out again", async () => {
  await using world = await RelayWorld.start();
  await world.send(4);
  const lost = await RelayStream.open(`http://${world.proxy.address}`);
  const messages = await lost.waitForWebhooks(4);
  world.proxy.cut();
  await lost.closed;
  await using resumed = await RelayStream.open(world.gateway.url(""), {
    "last-event-id": `${lost.connectionId}.2`,
  });
  assertEquals(resumed.messages[0]?.["resumed"], true);
  await resumed.waitForWebhooks(2);
  assertEquals(resumed.bodies, ['{"n":2}', '{"n":3}']);
  assertEquals(resumed.webhooks.map(({ delivery }) => delivery), [1, 1]);
  for (const message of messages) resumed.ack(message);
  await world.empty();
});

Deno.test("relay ends the former connection when another one resumes it", async () => {
  await using world = await RelayWorld.start();
  await using former = await RelayStream.open(world.gateway.url(""));
  await using _resumed = await RelayStream.open(world.gateway.url(""), {
    "last-event-id": `${former.connectionId}.0`,
  });
  assertEquals((await former.closed).code, 4409);
});

Deno.test("relay ends a connection with its code although the connector talks until it is told", async () => {
  await using world = await RelayWorld.start();
  for (let round = 0; round < 5; round++) {
    await using former = await RelayStream.open(world.gateway.url(""));
    const talking = setInterval(() => {
      for (let count = 0; count < 20 && former.messages.at(-1)?.type !== "closing"; count++) {
        former.send({ type: "heartbeat" });
      }
    }, 0);
    await using _resumed = await RelayStream.open(world.gateway.url(""), {
      "last-event-id": `${former.connectionId}.0`,
    });
    const { code } = await former.closed;
    clearInterval(talking);
    assertEquals(code, 4409);
  }
});

Deno.test("relay ends connections with the reason when the channel or their token is taken away", async () => {
  await using world = await RelayWorld.start();
  await using stream = await RelayStream.open(world.gateway.url(""));
  await world.configure({ channel_token: "another-token" });
  assertEquals((await stream.closed).code, 4401);
  assertEquals(stream.messages.at(-1)?.["message"], "The channel token is not valid any more");
  await world.configure({});
  await using second = await RelayStream.open(world.gateway.url(""));
  await world.configure({ channel: "outbox" });
  assertEquals((await second.closed).code, 4404);
});

Deno.test("relay takes no token that only one of the webhooks of a channel has", async () => {
  await using world = await RelayWorld.start();
  const config = (channel_token: string | string[]) => ({
    module: "webhook_connect",
    "module-config": { channel: "shared", channel_token },
  });
  await world.gateway.writeWebhooks({
    mine: config([RELAY_TOKEN, "mine-only-1"]),
    theirs: config("theirs-only"),
  });
  await world.gateway.reload();
  const statuses = async () => {
    const tokens = [RELAY_TOKEN, "mine-only-1", "theirs-only"];
    return await Promise.all(tokens.map(async (token) => {
      const headers = relayHeaders({ authorization: `Bearer ${token}` });
      return (await world.gateway.request("/connect/status/shared", { headers })).status;
    }));
  };
  // A webhook that came later and has none of them shuts nobody out, and lets nobody in.
  assertEquals(await statuses(), [200, 200, 401]);
  await world.gateway.writeWebhooks({
    mine: config([RELAY_TOKEN, "mine-only-1"]),
    theirs: config(RELAY_TOKEN),
  });
  await world.gateway.reload();
  assertEquals(await statuses(), [200, 401, 401]);
});

Deno.test("relay ends a connection that sends what is no message, and gives back what it held", async () => {
  await using world = await RelayWorld.start();
  for (const nonsense of ["{", '{"type":"ack"}', '{"type":"shout"}', "[]"]) {
    await using stream = await RelayStream.open(world.gateway.url(""));
    stream.send(nonsense);
    assertEquals((await stream.closed).code, 4400);
  }
});

Deno.test("relay answers 503 to senders when the channel is full, and takes events when it is not", async () => {
  await using world = await RelayWorld.start({ channel: { max_queue_size: 2 } });
  await world.send(2);
  const full = await world.gateway.post("/webhook/orders", '{"n":2}');
  assertEquals([full.status, errorCode(full)], [503, "overloaded"]);
  await using stream = await RelayStream.open(world.gateway.url(""));
  const [first] = await stream.waitForWebhooks(2);
  stream.ack(first!);
  await eventually(() => world.send(1, { from: 2 }));
});

Deno.test("relay puts an event that nobody took in time into the dead letters, and replays it", async () => {
  await using world = await RelayWorld.start({ channel: { ttl_seconds: 1 } });
  await world.send(1);
  const [letter] = await eventually(async () => {
    const letters = await world.deadLetters();
    assertEquals(letters.length, 1);
    return letters;
  });
  assertEquals(letter?.reason, "expired");
  await using stream = await RelayStream.open(world.gateway.url(""));
  await world.gateway.request(`/admin/dead-letters/replay?id=${letter?.id}`, {
    method: "POST",
    headers: { authorization: "Bearer relay-admin-token" },
  });
  const [message] = await stream.waitForWebhooks(1);
  assertEquals(message?.["event_id"], letter?.id);
});

Deno.test("relay takes acknowledgements over HTTP, and says when it does not know what they are for", async () => {
  await using world = await RelayWorld.start();
  await world.send(2);
  await using stream = await RelayStream.open(world.gateway.url(""));
  const [first, second] = await stream.waitForWebhooks(2);
  const post = (body: unknown, headers = relayHeaders()) =>
    world.gateway.request("/connect/ack", { method: "POST", headers, body: JSON.stringify(body) });
  const report = (message: typeof first) => ({ type: "ack", message_id: message?.["message_id"] });
  const own = await post({
    channel: "inbox",
    connection_id: stream.connectionId,
    messages: [report(first)],
  });
  assertEquals([own.status, JSON.parse(own.text)], [200, { known: 1 }]);
  // As after a restart of the gateway, or at another one with the same queue.
  const foreign = await post({ channel: "inbox", connection_id: "gone", messages: [report(second)] });
  assertEquals([foreign.status, JSON.parse(foreign.text)], [200, { known: 1 }]);
  const unknown = await post({ channel: "inbox", connection_id: "gone", messages: [report(second)] });
  assertEquals([unknown.status, errorCode(unknown)], [404, "connection_not_found"]);
  const stranger = await post({ channel: "inbox", connection_id: stream.connectionId, messages: [] }, {
    ...relayHeaders(),
    authorization: "Bearer wrong-token",
  });
  assertEquals(stranger.status, 401);
  await world.empty();
});

Deno.test("relay takes events that were accepted by way of the journal, in their order", async () => {
  await using world = await RelayWorld.start();
  await world.gateway.writeWebhooks({
    orders: {
      module: "webhook_connect",
      accept: "durable",
      "module-config": { channel: "inbox", channel_token: RELAY_TOKEN },
    },
  });
  await world.gateway.reload();
  await using stream = await RelayStream.open(world.gateway.url(""));
  await world.send(10);
  await stream.waitForWebhooks(10);
  assertEquals(stream.bodies, Array.from({ length: 10 }, (_, n) => `{"n":${n}}`));
});

Deno.test("relay carries a body of many megabytes, and refuses one that no message can hold", async () => {
  await using world = await RelayWorld.start({ environment: { MAX_BODY_BYTES: String(64 * 1024 * 1024) } });
  await using _connector = await world.connector();
  const bodies = [new Uint8Array(12_000_000).fill(0), new Uint8Array(12_000_000).fill(0xff)];
  for (const body of bodies) assertEquals((await world.gateway.post("/webhook/orders", body)).status, 200);
  const requests = await world.target.waitForRequests(2);
  for (const [index, body] of bodies.entries()) {
    assert(
      requests[index]!.body.every((byte) => byte === body[0]) && requests[index]!.body.length === body.length,
    );
  }
  const refused = await world.gateway.post("/webhook/orders", new Uint8Array(41 * 1024 * 1024));
  assertEquals([refused.status, errorCode(refused)], [502, "output_rejected"]);
});

Deno.test("relay counts what it hands out, what is acknowledged and what comes again", async () => {
  await using world = await RelayWorld.start();
  await world.send(2);
  await using stream = await RelayStream.open(world.gateway.url(""));
  const [first, second] = await stream.waitForWebhooks(2);
  stream.ack(first!);
  stream.send({ type: "nack", message_id: second?.["message_id"], retry: true });
  stream.ack((await stream.waitForWebhooks(3))[2]!);
  await world.empty();
  await world.gateway.request("/metrics");
  const { text } = await eventually(async () => {
    const answer = await world.gateway.request("/metrics");
    assertStringIncludes(answer.text, 'cwm_relay_channel_depth{channel="inbox",state="ready"} 0');
    return answer;
  });
  for (
    const line of [
      'cwm_relay_connections{channel="inbox",transport="websocket"} 1',
      'cwm_relay_messages_total{channel="inbox"} 3',
      'cwm_relay_redelivered_total{channel="inbox"} 1',
      'cwm_relay_settled_total{channel="inbox",outcome="acknowledged"} 2',
      'cwm_relay_settled_total{channel="inbox",outcome="released"} 1',
    ]
  ) assertStringIncludes(text, line);
});

Deno.test("relay never shows a token in its metrics, its status or its refusals", async () => {
  await using world = await RelayWorld.start();
  await using _stream = await RelayStream.open(world.gateway.url(""));
  const texts = await Promise.all([
    world.gateway.request("/metrics"),
    world.gateway.request("/connect/status/inbox", { headers: relayHeaders() }),
    world.gateway.request("/connect/status/nothing", { headers: relayHeaders() }),
    world.gateway.request("/admin/config", { headers: { authorization: "Bearer relay-admin-token" } }),
  ]);
  for (const { text } of texts) assert(!text.includes(RELAY_TOKEN));
});

Deno.test("a channel that its last connector has left is a trouble until somebody takes its events", async () => {
  await using world = await RelayWorld.start();
  const headers = { authorization: `Bearer ${RELAY_ADMIN_TOKEN}` };
  const becomes = (names: readonly string[]) =>
    eventually(async () => {
      const { troubles } = JSON.parse((await world.gateway.request("/admin/status", { headers })).text);
      const found = troubles.map(({ part, name }: { part: string; name: string }) => `${part} ${name}`);
      assertEquals(found, names);
    });
  const first = await RelayStream.open(world.gateway.url(""));
  await becomes([]);
  await first.close();
  await becomes(["channel inbox"]);
  const second = await RelayStream.open(world.gateway.url(""));
  await becomes([]);
  await second.close();
  await becomes(["channel inbox"]);
  const consumer = new PullClient(world.gateway.url(""), { token: RELAY_TOKEN });
  assertEquals((await consumer.send("receive", { n: 1, wait: 0 })).status, 200);
  await becomes([]);
});
