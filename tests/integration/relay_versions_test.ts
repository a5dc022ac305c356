import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { eventually } from "../support/eventually.ts";
import { relayHeaders, RelayStream } from "../support/relay/stream.ts";
import { RelayWorld } from "../support/relay/world.ts";
import { REPOSITORY } from "../support/repository.ts";

type Json = Readonly<Record<string, unknown>>;

const SECOND = { "cwm-relay-protocol": "2,1" };

/** The lines of an example in PROTOCOL.md. */
async function exampleLines(title: string): Promise<{ readonly from: string; readonly message: Json }[]> {
  const text = await Deno.readTextFile(join(REPOSITORY, "src/relay/PROTOCOL.md"));
  const example = text.slice(text.indexOf(`## ${title}`)).split("```")[1] ?? "";
  return example.trim().split("\n").map((line) => ({ from: line[0]!, message: JSON.parse(line.slice(2)) }));
}

/** The events that a message of the gateway carries. */
function eventsOf(message: Json): readonly Json[] {
  if (message["type"] === "webhooks") return message["webhooks"] as Json[];
  return message["type"] === "webhook" ? [message] : [];
}

/** Fields of the example that a gateway says word for word. */
const FIXED = [
  ...["type", "protocol", "channel", "resumed", "window", "window_bytes", "heartbeat_interval_ms"],
  ...["ack_timeout_ms", "sequence", "delivery", "namespace", "webhook_id", "body", "body_base64"],
];

function assertAlike(actual: Json, expected: Json): void {
  assertEquals(Object.keys(actual), Object.keys(expected), "the fields, in their order");
  for (const field of FIXED) assertEquals(actual[field], expected[field], field);
}

for (const version of [1, 2]) {
  Deno.test(`relay speaks version ${version} as the example in PROTOCOL.md says`, async () => {
    await using world = await RelayWorld.start({
      channel: { heartbeat_interval_seconds: 15, ack_timeout_seconds: 30 },
    });
    const lines = await exampleLines(`Example of version ${version}`);
    const events = lines.flatMap(({ message }) => eventsOf(message)).filter(({ delivery }) => delivery === 1);
    for (const event of events) {
      const body = event["body"] as string | undefined ??
        Uint8Array.fromBase64(event["body_base64"] as string);
      const headers = event["headers"] as Record<string, string>;
      const signature = headers["x-hub-signature-256"] === undefined ? {} : {
        "x-hub-signature-256": "sha256=00",
      };
      await world.gateway.post("/webhook/orders", body, { ...headers, ...signature });
    }
    await using stream = await RelayStream.open(world.gateway.url(""), {
      "cwm-relay-window": "2",
      "cwm-relay-protocol": String(version),
    });
    /** What the example calls `m-1`. */
    const names = new Map<string, string>();
    const named = (text: string) => text.replace(/"(m-\d)"/g, (_, name: string) => `"${names.get(name)}"`);
    let arrived = 0;
    for (const { from, message } of lines) {
      if (from === ">") {
        stream.send(named(JSON.stringify(message)));
        continue;
      }
      const index = arrived++;
      await eventually(() => stream.messages.length > index);
      const actual = stream.messages[index]!;
      assertAlike(actual, message);
      for (const [place, event] of eventsOf(message).entries()) {
        const sent = eventsOf(actual)[place]!;
        assertAlike(sent, event);
        names.set(String(event["message_id"]), String(sent["message_id"]));
      }
      assertEquals(eventsOf(actual).length, eventsOf(message).length);
      for (const field of ["message_id", "message_ids"]) {
        if (field in message) {
          assertEquals(actual[field], JSON.parse(named(JSON.stringify(message[field]))));
        }
      }
    }
    await world.empty();
    assertEquals((await world.deadLetters()).map(({ reason }) => reason), ["output_rejected"]);
  });
}

Deno.test("relay hands out what waits in few messages, in order, and takes many reports in one", async () => {
  await using world = await RelayWorld.start({ channel: { max_in_flight: 1_000 } });
  await world.send(60);
  await using stream = await RelayStream.open(world.gateway.url(""), {
    ...SECOND,
    "cwm-relay-window": "1000",
  });
  const events = await stream.waitForWebhooks(60);
  assertEquals(stream.bodies, Array.from({ length: 60 }, (_, n) => `{"n":${n}}`));
  assertEquals(events.map(({ sequence }) => sequence), Array.from({ length: 60 }, (_, n) => n + 1));
  const batches = stream.messages.filter(({ type }) => type === "webhooks");
  assert(batches.length <= 3, `${batches.length} messages`);
  const ids = events.map((event) => event["message_id"]);
  stream.send({
    type: "reports",
    acks: ids.slice(0, 58),
    nacks: [
      { type: "nack", message_id: ids[58], retry: true },
      { type: "nack", message_id: ids[59], retry: false, code: "output_rejected", error: "no" },
    ],
  });
  const again = (await stream.waitForWebhooks(61))[60]!;
  assertEquals([again["message_id"], again["delivery"]], [ids[58], 2]);
  // A report of version 1 counts as well.
  stream.ack(again);
  await world.empty();
  assertEquals((await world.deadLetters()).length, 1);
});

Deno.test("relay puts about a mebibyte of events into a message, and a long event alone", async () => {
  await using world = await RelayWorld.start({ channel: { max_in_flight: 100 } });
  const large = JSON.stringify("x".repeat(700_000));
  for (const body of ["{}", large, large, "{}"]) await world.gateway.post("/webhook/orders", body);
  await using stream = await RelayStream.open(world.gateway.url(""), {
    ...SECOND,
    "cwm-relay-window": "100",
  });
  await stream.waitForWebhooks(4);
  assertEquals(stream.bodies, ["{}", large, large, "{}"]);
  for (const message of stream.messages) assert(JSON.stringify(message).length < 1_100_000);
});

Deno.test("relay counts the bytes of a window as the connector asks and as the channel allows", async () => {
  await using world = await RelayWorld.start({ channel: { max_in_flight_bytes: 3_000 } });
  const body = JSON.stringify("x".repeat(1_000));
  for (let n = 0; n < 6; n++) await world.gateway.post("/webhook/orders", body);
  for (const [asked, window_bytes, held] of [["1500", 1_500, 2], ["1000000", 3_000, 3]] as const) {
    await using stream = await RelayStream.open(world.gateway.url(""), {
      ...SECOND,
      "cwm-relay-window": "100",
      "cwm-relay-window-bytes": asked,
    });
    assertEquals(stream.messages[0]?.["window_bytes"], window_bytes);
    const events = await stream.waitForWebhooks(held);
    assertEquals((await world.status()).messages_in_flight, held);
    stream.send({ type: "reports", acks: events.map((event) => event["message_id"]), nacks: [] });
    await stream.waitForWebhooks(held + 1);
    await stream.close();
    await eventually(async () => assertEquals((await world.status()).messages_in_flight, 0));
  }
});

Deno.test("relay gives a connector no more bytes at once than its configuration says", async () => {
  await using world = await RelayWorld.start();
  const answered = Promise.withResolvers<void>();
  world.target.answer({ status: 200, after: answered.promise });
  const body = JSON.stringify("x".repeat(1_000));
  for (let n = 0; n < 6; n++) await world.gateway.post("/webhook/orders", body);
  await using _connector = await world.connector({ max_held_bytes: 1_500 });
  await world.target.waitForRequests(1);
  assertEquals((await world.status()).messages_in_flight, 2);
  answered.resolve();
  await world.target.waitForRequests(6);
  await world.empty();
});

Deno.test("relay resumes a connection of version 2 within a batch, and with another version", async () => {
  await using world = await RelayWorld.start();
  await world.send(4);
  const lost = await RelayStream.open(`http://${world.proxy.address}`, SECOND);
  await lost.waitForWebhooks(4);
  world.proxy.cut();
  await lost.closed;
  await using resumed = await RelayStream.open(world.gateway.url(""), {
    "last-event-id": `${lost.connectionId}.2`,
  });
  assertEquals([resumed.messages[0]?.["resumed"], resumed.messages[0]?.["protocol"]], [true, 1]);
  await resumed.waitForWebhooks(2);
  assertEquals(resumed.bodies, ['{"n":2}', '{"n":3}']);
});

Deno.test("relay sends batches as Server-Sent Events whose id is the last sequence in them", async () => {
  await using world = await RelayWorld.start();
  await world.send(3);
  const ending = new AbortController();
  const response = await fetch(world.gateway.url("/connect/stream/inbox/sse"), {
    headers: relayHeaders({ ...SECOND, "cwm-relay-window": "3" }),
    signal: ending.signal,
  });
  assertEquals(response.headers.get("cwm-relay-protocol"), "2");
  let text = "";
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("event: webhooks") || !text.endsWith("\n\n")) {
    text += (await reader.read()).value ?? "";
  }
  ending.abort();
  await reader.cancel().catch(() => {});
  const [connected = "", batch = ""] = text.trim().split("\n\n");
  const id = JSON.parse(connected.split("data: ")[1]!).connection_id;
  assertStringIncludes(batch, `id: ${id}.3\n`);
  assertEquals(JSON.parse(batch.split("data: ")[1]!).webhooks.length, 3);
});

Deno.test("relay ends a connection whose reports are no reports", async () => {
  await using world = await RelayWorld.start();
  const tooLong = { acks: ["m-1", "m".repeat(201)], nacks: [] };
  const unlike = [
    { acks: [1] },
    { nacks: [{ type: "nack" }] },
    { acks: "m-1" },
    { acks: [""], nacks: [] },
    tooLong,
  ];
  for (const reports of unlike) {
    await using stream = await RelayStream.open(world.gateway.url(""), SECOND);
    stream.send({ type: "reports", ...reports });
    assertEquals((await stream.closed).code, 4400);
  }
});
