import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { DeliveryError } from "../../src/errors.ts";
import { activemqModule } from "../../src/modules/activemq/activemq.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { ActivemqDesk } from "../support/activemq/desk.ts";
import { ACTIVEMQ_USERS, MAX_FRAME } from "../support/activemq/server.ts";
import { sharedActivemq } from "../support/activemq/shared.ts";
import { OpenOutput } from "../support/open_output.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const WRITER = { host: "127.0.0.1", user: "writer", password: ACTIVEMQ_USERS.writer };

function codesOf(results: readonly DeliveryResult[]): string[] {
  return results.map((result) => result === "delivered" ? result : result.code);
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("activemq sends what stomp.py reads: bodies and headers as they are, and no settings", async () => {
  const { port } = await sharedActivemq();
  await using desk = await ActivemqDesk.open(port);
  await using output = await OpenOutput.open(activemqModule, { ...WRITER, port });
  const queue = ActivemqDesk.name();
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "x-shop": "Zo\u00c3\u00ab:\\n",
    "x-odd": "tab\tand \u009f",
    expires: "1",
    priority: "9",
    persistent: "false",
    "reply-to": "/queue/other",
    "correlation-id": "c",
    type: "t",
    transaction: "none",
    receipt: "r",
    "jmsxgroupid": "g",
    destination: "/queue/other",
    authorization: "Bearer s3cret",
  };
  const bodies = ['\ufeff{"id":12345678901234567890, "price":1.0, "name":"Zoë 🎉"}', "", "[\0]"];
  const [event, empty, bytes] = bodies.map((body) =>
    verifiedEvent({ namespace: "shop", type: "order.paid", headers, body })
  );
  const config = { destination: queue, forward_headers: true };
  assertEquals(await output.deliver([event!, empty!], config), ["delivered", "delivered"]);
  assertEquals(await output.deliver([bytes!], config, { dataType: "blob" }), ["delivered"]);
  const messages = await desk.takeWithPython(queue, 3);
  assertEquals(
    messages.map(({ body }) => text(body)),
    bodies.map((body) => text(new TextEncoder().encode(body))),
  );
  const { headers: [first, , third] } = { headers: messages.map((message) => message.headers) };
  const expected: Readonly<Record<string, string>> = {
    "cwm-event-id": event!.id,
    "cwm-namespace": "shop",
    "cwm-webhook": "orders",
    "cwm-received-at": "2026-01-02T03:04:05.678Z",
    "cwm-event-type": "order.paid",
    "content-type": "application/json; charset=utf-8",
    "http-x-shop": "Zoë:\\n",
    "http-x-odd": "tab\tand \u009f",
    "http-expires": "1",
    "http-jmsxgroupid": "g",
    persistent: "true",
    priority: "4",
    expires: "0",
  };
  for (const [name, value] of Object.entries(expected)) assertEquals(first![name], value, name);
  assertEquals(JSON.stringify(messages).includes("s3cret"), false);
  // A length makes it a BytesMessage for consumers in Java, and none a TextMessage.
  assertEquals([first!["content-length"], third!["content-length"]], [undefined, "3"]);
});

Deno.test("activemq sends to topics, and to destinations named in full", async () => {
  const { port } = await sharedActivemq();
  await using desk = await ActivemqDesk.open(port);
  const admin = { host: "127.0.0.1", port, user: "admin", password: ACTIVEMQ_USERS.admin };
  await using output = await OpenOutput.open(activemqModule, admin);
  const [topic, queue] = [ActivemqDesk.name(), ActivemqDesk.name()];
  await desk.subscribe(`/topic/${topic}`);
  const event = verifiedEvent();
  for (
    const config of [{ destination: topic, destination_type: "topic" }, { destination: `/topic/${topic}` }]
  ) {
    assertEquals(await output.attempt(event, config), "delivered");
  }
  assertEquals(
    await output.attempt(event, { destination: `/queue/${queue}`, message_type: "bytes" }),
    "delivered",
  );
  assertEquals((await desk.read(`/topic/${topic}`)).length, 2);
  assertEquals((await desk.take(queue)).map(({ headers }) => headers["content-length"]), ["11"]);
});

Deno.test("activemq rejects alone what the broker never takes, and the others of its batch arrive", async () => {
  const { port } = await sharedActivemq();
  await using desk = await ActivemqDesk.open(port);
  await using output = await OpenOutput.open(activemqModule, { ...WRITER, port });
  const config = { destination: ActivemqDesk.name(), forward_headers: true };
  const small = Array.from({ length: 28 }, (_, index) => verifiedEvent({ body: `{"number":${index}}` }));
  const hopeless = [
    verifiedEvent({ body: "x".repeat(MAX_FRAME + 1) }),
    verifiedEvent({ body: "x".repeat(2 * MAX_FRAME) }),
    verifiedEvent({ headers: { "x-long": "x".repeat(10_240) } }),
    verifiedEvent({ body: new Uint8Array([0xff]) }),
  ];
  const batch = [
    hopeless[0]!,
    ...small.slice(0, 13),
    hopeless[1]!,
    hopeless[2]!,
    ...small.slice(13),
    hopeless[3]!,
  ];
  // Another batch is under way on the same connection.
  const [results, others] = await Promise.all([
    output.deliver(batch, config),
    output.deliver(Array.from({ length: 32 }, () => verifiedEvent()), config),
  ]);
  const expected = batch.map((event) => hopeless.includes(event) ? "output_rejected" : "delivered");
  assertEquals(codesOf(results), expected);
  assertEquals(new Set(others), new Set<DeliveryResult>(["delivered"]));
  const arrived = new Set(
    (await desk.take(config.destination)).map(({ headers }) => headers["cwm-event-id"]),
  );
  assertEquals(arrived.size, small.length + others.length);
  assertEquals(small.filter(({ id }) => !arrived.has(id)), []);
});

Deno.test("activemq holds events to the max_frame_size that the operator knows of", async () => {
  const { port } = await sharedActivemq();
  await using output = await OpenOutput.open(activemqModule, { ...WRITER, port, max_frame_size: 2048 });
  const events = [2000, 1000].map((length) => verifiedEvent({ body: "x".repeat(length) }));
  assertEquals(codesOf(await output.deliver(events, { destination: ActivemqDesk.name() })), [
    "output_rejected",
    "delivered",
  ]);
});

Deno.test("activemq reaches a broker over TLS with files of its own", async () => {
  const { tlsPort: port, certificates: { ca, cert, key } } = await sharedActivemq();
  const attempts: readonly [settings: object, outcome: string][] = [
    [{ host: "127.0.0.1", tls: { ca, cert, key } }, "delivered"],
    [{ host: "localhost", tls: { ca, cert, key, servername: "activemq.test" } }, "delivered"],
    [{ host: "127.0.0.1", tls: { cert, key, insecure_skip_verify: true } }, "delivered"],
    [{ host: "127.0.0.1", tls: { ca } }, "output_unavailable"],
    [{ host: "localhost", tls: { ca, cert, key } }, "output_unavailable"],
    [{ host: "127.0.0.1", tls: { cert, key } }, "output_unavailable"],
    [{ host: "127.0.0.1", use_ssl: "true" }, "output_unavailable"],
    [{ host: "127.0.0.1", tls: { ca: "/nowhere/ca.crt" } }, "output_unavailable"],
  ];
  for (const [settings, outcome] of attempts) {
    await using output = await OpenOutput.open(activemqModule, { ...WRITER, port, ...settings });
    const attempt = await output.attempt(verifiedEvent(), { destination: ActivemqDesk.name() });
    assertEquals(attempt, outcome, JSON.stringify(settings));
  }
});

/** What `cwm check --probe` finds with one webhook, in its last lines. */
async function probe(connection: object, destination: string): Promise<readonly string[]> {
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    hook: { module: "activemq", connection: "main", "module-config": { destination } },
  });
  await directory.writeJson("connections.json", { main: { type: "activemq", ...connection } });
  const lines: string[] = [];
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  return lines.slice(lines.findIndex((line) => line.startsWith("0 problems in ")) + 1);
}

Deno.test("cwm check --probe tries a message out at ActiveMQ, leaves none, and says what is missing", async () => {
  const { port } = await sharedActivemq();
  await using desk = await ActivemqDesk.open(port);
  const [open, closed] = [ActivemqDesk.name(), ActivemqDesk.name("closed.")];
  assertEquals(await probe({ ...WRITER, port }, open), [
    "connection main: activemq can take events",
    "0 connections of 1 cannot take events",
  ]);
  assertEquals(await desk.take(open), []);
  const cases: readonly [connection: object, destination: string, words: readonly string[]][] = [
    [{ ...WRITER, port }, closed, [`takes nothing for /queue/${closed}`, "not authorized to write"]],
    [{ ...WRITER, port, password: "wr0ng" }, open, ["did not let the gateway in: check user and password"]],
    [{ host: "127.0.0.1", port }, open, ["did not let the gateway in"]],
  ];
  for (const [connection, destination, words] of cases) {
    const [line] = await probe(connection, destination);
    for (const word of words) assertStringIncludes(line!, word);
    assertEquals(line!.includes("wr0ng"), false);
  }
});

Deno.test("activemq keeps events for later while its password is another one", async () => {
  const broker = await sharedActivemq();
  const config = { destination: ActivemqDesk.name() };
  const open = () => OpenOutput.open(activemqModule, { ...WRITER, port: broker.port });
  await broker.setPassword("writer", "another");
  try {
    await using output = await open();
    const [result] = await output.deliver([verifiedEvent()], config);
    assert(result instanceof DeliveryError);
    assertEquals(result.code, "output_unavailable");
    assert(!Deno.inspect(result, { depth: 9 }).includes(ACTIVEMQ_USERS.writer));
    await assertRejects(() => output.probe(), DeliveryError, "check user and password");
  } finally {
    await broker.setPassword("writer", ACTIVEMQ_USERS.writer);
  }
  await using output = await open();
  assertEquals(await output.attempt(verifiedEvent(), config), "delivered");
});
