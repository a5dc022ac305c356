import { assert, assertEquals, assertMatch } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { DeliveryError } from "../../src/errors.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import { websocketModule } from "../../src/modules/websocket/websocket.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { startTlsFront } from "../support/http/secure_front.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { OpenOutput } from "../support/open_output.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { WebsocketPeer } from "../support/websocket/peer.ts";

/** How long the peer is silent, in milliseconds: six times what the output waits. */
const FROZEN_MS = 3_000;

/** How long it is silent while nothing is sent, in milliseconds: five of the intervals between pings. */
const SILENT_MS = 500;

const QUICK = { retry: { initial_delay: 0.1, max_delay: 0.5, max_attempts: 1000 } };
const HERE = { allowed_hosts: ["127.0.0.1", "localhost"] };

async function open() {
  await using undo = new AsyncDisposableStack();
  const peer = undo.use(await WebsocketPeer.start());
  const output = undo.use(await OpenOutput.open(websocketModule, undefined));
  const resources = undo.move();
  const to = (path: string, more: object = {}) => ({ ...HERE, url: peer.url(path), ...more });
  return { peer, output, to, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

function codesOf(results: readonly DeliveryResult[]): readonly string[] {
  return results.map((result) => result === "delivered" ? result : result.code);
}

function events(count: number): VerifiedEvent[] {
  return Array.from({ length: count }, (_, index) => verifiedEvent({ body: `{"n":${index}}` }));
}

Deno.test("messages have the form that their webhook asks for", async () => {
  await using world = await open();
  const headers = { "content-type": "application/json", "x-shop": "a", authorization: "s3cret" };
  const event = verifiedEvent({ headers, body: '{"total": 1.0}' });
  const blob = verifiedEvent({ body: new Uint8Array([0, 255]) });
  let sent = 0;
  const deliver = async (one: VerifiedEvent, config: object, dataType: "json" | "blob" = "json") => {
    assertEquals(await world.output.deliver([one], world.to("/silent", config), { dataType }), ["delivered"]);
    sent++;
    const { data, is_text } = await eventually(async () => {
      const messages = await world.peer.messages();
      assertEquals(messages.length, sent);
      return messages.at(-1)!;
    });
    return is_text ? data : Uint8Array.fromBase64(data);
  };
  assertEquals(await deliver(event, {}), '{"payload":{"total": 1.0}}');
  const naming = `"cwm-event-id":"${event.id}","cwm-namespace":"default","cwm-webhook":"orders",` +
    '"cwm-received-at":"2026-01-02T03:04:05.678Z"';
  const all = `{${naming},"content-type":"application/json","x-shop":"a"}`;
  assertEquals(
    await deliver(event, { include_headers: true }),
    `{"payload":{"total": 1.0},"headers":${all}}`,
  );
  assertEquals(await deliver(event, { format: "raw" }), '{"total": 1.0}');
  assertEquals(await deliver(blob, { format: "raw" }, "blob"), blob.body.bytes);
  assertEquals(await deliver(blob, {}, "blob"), '{"payload_base64":"AP8="}');
  const envelope = JSON.parse(String(await deliver(event, { format: "envelope" })));
  assertEquals([envelope.event_id, envelope.payload, envelope.headers], [event.id, { total: 1 }, {}]);
});

Deno.test("steps of a chain send an event to one peer in as many forms as they have", async () => {
  await using world = await open();
  const webhook = {
    chain: ["json", "envelope"].map((format) => ({
      module: "websocket",
      "module-config": world.to("/ack", { format, acknowledgement: {} }),
    })),
    "chain-config": { execution: "parallel" },
  };
  await using gateway = await TestGateway.start({ webhooks: { orders: { ...webhook, accept: "durable" } } });
  for (let n = 0; n < 20; n++) {
    assertEquals((await gateway.post("/webhook/orders", `{"n":${n}}`)).status, 200);
  }
  await eventually(async () => {
    const forms = (await world.peer.messages()).map(({ data }) => Object.keys(JSON.parse(data)).length);
    assertEquals([forms.filter((keys) => keys === 2).length, forms.length], [20, 40]);
  });
});

Deno.test("a peer acknowledges an event once for each message that it was sent in", async () => {
  await using world = await open();
  const event = verifiedEvent();
  const config = world.to("/ack", { acknowledgement: {} });
  assertEquals(codesOf(await world.output.deliver([event, event], config)), ["delivered", "delivered"]);
  assertEquals((await world.peer.messages()).length, 2);
});

Deno.test("what acknowledges the events of a webhook is looked for where that webhook says", async () => {
  await using world = await open();
  const identities = [{}, { error: "/error" }, { id: "/error" }, { id: "/event_id" }].map(
    (acknowledgement) => {
      const config = websocketModule.configSchema.parse(world.to("/ack", { acknowledgement }));
      return websocketModule.partition?.(config);
    },
  );
  assertEquals(new Set(identities).size, 3, "connections are shared where the places are the same");
});

Deno.test("an event is delivered when what its webhook waits for has come, and not before", async () => {
  await using world = await open();
  const acknowledged = { acknowledgement: { error: "/error" } };
  const outcomes: readonly [path: string, config: object, outcome: string][] = [
    ["/silent", {}, "delivered"],
    ["/silent", { unconfirmed: true }, "delivered"],
    ["/silent", { wait_for_response: true }, "output_timeout"],
    ["/silent", acknowledged, "output_timeout"],
    ["/answer", { wait_for_response: true }, "delivered"],
    ["/answer", acknowledged, "output_timeout"],
    ["/ack", acknowledged, "delivered"],
    ["/wrong", acknowledged, "output_timeout"],
    ["/refused", acknowledged, "output_failed"],
    ["/refused", { acknowledgement: {} }, "delivered"],
    ["/closing", { wait_for_response: true }, "output_unavailable"],
  ];
  await Promise.all(outcomes.map(async ([path, config, outcome]) => {
    const signal = AbortSignal.timeout(outcome === "output_timeout" ? 500 : 60_000);
    const results = await world.output.deliver(events(3), world.to(path, config), { signal });
    assertEquals(codesOf(results), new Array(3).fill(outcome), `${path} ${JSON.stringify(config)}`);
  }));
});

Deno.test("a message that ends the connection is a dead letter, alone", async () => {
  await using world = await open();
  const batch = events(20);
  batch[7] = verifiedEvent({ body: '"poison"' });
  const results = await world.output.deliver(batch, world.to("/picky", { acknowledgement: {} }));
  assertEquals(codesOf(results), batch.map((_, index) => index === 7 ? "output_rejected" : "delivered"));
  assertMatch((results[7] as DeliveryError).message, /does not take what is in the message \(1007\)/);
  const ids = new Set((await world.peer.messages()).map(({ data }) => data));
  assertEquals(ids.size, 19);
  const large = [
    ...events(2),
    verifiedEvent({ body: JSON.stringify("x".repeat(5 * 1024 * 1024)) }),
    ...events(2),
  ];
  const others = await world.output.deliver(large, world.to("/silent"));
  assertEquals(codesOf(others).filter((code) => code === "delivered").length, 4);
  assert(codesOf(others)[2] !== "delivered");
});

Deno.test("the handshake has headers and a subprotocol, and says why it was refused", async () => {
  await using world = await open();
  const headers = { authorization: "Bearer peer-s3cret" };
  const config = world.to("/denied", { headers, subprotocol: ["cwm.v1"] });
  assertEquals(await world.output.deliver(events(1), config), ["delivered"]);
  const [message] = await eventually(async () => {
    const messages = await world.peer.messages();
    assertEquals(messages.length, 1);
    return messages;
  });
  assertEquals([message?.subprotocol, message?.authorization], ["cwm.v1", "Bearer peer-s3cret"]);
  const reasonOf = async (config: object) => {
    const [result] = await world.output.deliver(events(1), config);
    assert(result instanceof DeliveryError);
    assert(!Deno.inspect(result, { depth: 9 }).includes("wrong-s3cret"));
    return `${result.code}: ${result.message}`;
  };
  const denied = await reasonOf(world.to("/denied", { headers: { authorization: "wrong-s3cret" } }));
  assertMatch(
    denied,
    /output_unavailable: WebSocket 127\.0\.0\.1:\d+ does not let the gateway in: .* \(401\)/,
  );
  assertMatch(await reasonOf(world.to("/ack", { subprotocol: "other" })), /check url and subprotocol/);
});

Deno.test("addresses that a webhook may not reach are refused when they are connected to", async () => {
  const problems = (config: object) =>
    websocketModule.configSchema.safeParse(config).error?.issues.map(({ message }) => message).join() ?? "";
  assertMatch(problems({ url: "ws://127.0.0.1:1/" }), /The host is refused, it is a loopback address/);
  assertMatch(problems({ url: "http://example.com" }), /Not a complete ws or wss address/);
  assertMatch(
    problems({ url: "wss://a:b@example.com" }),
    /User name and password do not belong into the address/,
  );
  assertMatch(problems({ url: "ws://example.com", tls: {} }), /Is of no use without TLS/);
  assertMatch(
    problems({ url: "ws://example.com", format: "raw", acknowledgement: {} }),
    /use json or envelope/,
  );
  assertMatch(
    problems({ url: "ws://example.com", unconfirmed: true, wait_for_response: true }),
    /Contradicts/,
  );
  await using world = await open();
  const config = { url: `ws://localhost:${world.peer.port}/ack`, allowed_hosts: ["10.0.0.0/8"] };
  const [result] = await world.output.deliver(events(1), config);
  assertMatch((result as DeliveryError).message, /localhost resolves to .*: not in allowed_hosts/);
});

Deno.test("a peer that hangs while nothing is sent is found, and connected to again", async () => {
  await using world = await open();
  const config = world.to("/ack", { ping_interval: 0.1, acknowledgement: {} });
  assertEquals(await world.output.deliver(events(1), config), ["delivered"]);
  await eventually(async () => {
    await world.peer.freeze();
    await sleep(SILENT_MS);
    world.peer.thaw();
    assertEquals(await world.output.deliver(events(1), config), ["delivered"]);
    const connections = (await world.peer.messages()).map(({ connection }) => connection);
    assertEquals(new Set(connections).size, 2);
  });
});

/** Sends events one after the other, until it is stopped. */
class Sender {
  /** The events that were answered with 200. */
  readonly ids: string[] = [];
  readonly #sending: Promise<void>;
  #goesOn = true;

  constructor(gateway: TestGateway, path: string) {
    this.#sending = this.#send(gateway, path);
  }

  async stop(): Promise<readonly string[]> {
    this.#goesOn = false;
    await this.#sending;
    return this.ids;
  }

  async #send(gateway: TestGateway, path: string): Promise<void> {
    while (this.#goesOn) {
      const answer = await gateway.post(path, `{"number":${this.ids.length}}`);
      if (answer.status === 200) this.ids.push(JSON.parse(answer.text).event_id);
    }
  }
}

async function arrivedAt(peer: WebsocketPeer): Promise<ReadonlySet<string>> {
  return new Set((await peer.messages()).map(({ data }) => JSON.parse(data).event_id));
}

Deno.test("a peer that is killed, cut off and frozen loses nothing, and holds up no other webhook", async () => {
  await using world = await open();
  await using network = TcpProxy.start({ port: world.peer.port });
  const config = { ...HERE, url: world.peer.url("/ack", network.port), timeout: 0.5, acknowledgement: {} };
  await using gateway = await TestGateway.start({
    webhooks: {
      kept: { module: "websocket", ...QUICK, "module-config": config },
      waited: { module: "websocket", accept: "delivered", "module-config": { ...config, timeout: 1 } },
      printed: { module: "log" },
    },
  });
  const senders = ["kept", "waited"].map((id) => new Sender(gateway, `/webhook/${id}`));
  await eventually(() => senders.every(({ ids }) => ids.length > 20), { timeoutMs: 60_000 });
  await world.peer.kill();
  await world.peer.restart();
  network.cut();
  await eventually(async () => assert((await arrivedAt(world.peer)).has(senders[1]!.ids.at(-1)!)));
  network.freeze();
  const thawsAt = performance.now() + FROZEN_MS;
  let printed = 0;
  for (; performance.now() < thawsAt; printed++) {
    assertEquals((await gateway.post("/webhook/printed", "{}")).status, 200);
  }
  assert(printed > 10);
  const accepted = (await Promise.all(senders.map((sender) => sender.stop()))).flat();
  network.thaw();
  await eventually(async () => {
    const arrived = await arrivedAt(world.peer);
    assertEquals(accepted.filter((id) => !arrived.has(id)), []);
  }, { timeoutMs: 60_000 });
});

Deno.test("credentials of the handshake that change are used without a restart", async () => {
  await using world = await open();
  const hook = (authorization: string) => ({
    jobs: {
      module: "websocket",
      accept: "delivered",
      "module-config": world.to("/denied", { headers: { authorization } }),
    },
  });
  await using gateway = await TestGateway.start({ webhooks: hook("Bearer former") });
  assertEquals((await gateway.post("/webhook/jobs", "{}")).status, 503);
  await gateway.writeWebhooks(hook("Bearer peer-s3cret"));
  await gateway.reload();
  await eventually(async () => assertEquals((await gateway.post("/webhook/jobs", "{}")).status, 200));
});

Deno.test("a peer with TLS is reached with a certificate, when it is the one that is meant", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1,DNS:peer.test");
  await certificates.issue("client", "DNS:client");
  await using world = await open();
  await using front = await startTlsFront(certificates, "server", world.peer.port);
  const { ca } = certificates;
  const [cert, key] = [certificates.certificateOf("client"), certificates.keyOf("client")];
  const attempts: readonly [host: string, tls: object, outcome: string][] = [
    ["127.0.0.1", { ca, cert, key }, "delivered"],
    ["localhost", { ca, cert, key, servername: "peer.test" }, "delivered"],
    ["127.0.0.1", { cert, key, insecure_skip_verify: true }, "delivered"],
    ["127.0.0.1", { ca }, "output_unavailable"],
    ["localhost", { ca, cert, key }, "output_unavailable"],
    ["127.0.0.1", { cert, key }, "output_unavailable"],
    ["127.0.0.1", { ca, cert, key: "/nowhere" }, "output_unavailable"],
  ];
  for (const [host, tls, outcome] of attempts) {
    const config = { ...HERE, url: `wss://${host}:${front.port}/ack`, tls, acknowledgement: {} };
    const [result] = codesOf(await world.output.deliver(events(1), config));
    assertEquals(result, outcome, JSON.stringify([host, tls]));
  }
});
