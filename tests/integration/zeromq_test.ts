import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import { zeromqModule } from "../../src/modules/zeromq/zeromq.ts";
import { eventually } from "../support/eventually.ts";
import { OpenOutput } from "../support/open_output.ts";
import { freePort } from "../support/redis/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { eventIdOf, ZeromqPeer } from "../support/zeromq/peer.ts";

const open = () => OpenOutput.open(zeromqModule, undefined);

const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => verifiedEvent({ body: `{"number":${index}}` }));

function codesOf(results: readonly DeliveryResult[]): string[] {
  return results.map((result) => result === "delivered" ? result : result.code);
}

function messageOf([result]: readonly DeliveryResult[]): string {
  return result instanceof DeliveryError ? result.message : String(result);
}

const texts = (messages: readonly (readonly Uint8Array[])[]) =>
  messages.map((frames) => frames.map((frame) => new TextDecoder().decode(frame)));

Deno.test("zeromq asks a REP and a ROUTER, one message at a time or many, and believes their answers", async () => {
  await using directory = await TempDir.create();
  const socket_types = { REQ: ["REP", "ROUTER"], DEALER: ["REP", "ROUTER"] } as const;
  for (const socket_type of ["REQ", "DEALER"] as const) {
    for (const kind of socket_types[socket_type]) {
      const path = directory.file(`${socket_type}.sock`);
      await using peer = await ZeromqPeer.start({
        kind,
        ...(kind === "REP" ? {} : { endpoint: `ipc://${path}` }),
      });
      await using output = await open();
      const config = { endpoint: peer.endpoint, socket_type };
      const events = numbered(150);
      const batches = [0, 50, 100].map((start) => output.deliver(events.slice(start, start + 50), config));
      const results = (await Promise.all(batches)).flat();
      assertEquals(codesOf(results), events.map(() => "delivered"), `${socket_type} ${kind}`);
      assertEquals(texts(await peer.messages()), events.map(({ id, body }) => ["orders", id, body.text]));
    }
  }
});

Deno.test("zeromq tries again what a peer answers with an error or not at all, others go on", async () => {
  await using peer = await ZeromqPeer.start({ kind: "ROUTER", answer: "ERROR: disk full" });
  await using output = await open();
  const config = { endpoint: peer.endpoint, socket_type: "DEALER" };
  const refused = await output.deliver([verifiedEvent()], config);
  assertEquals(codesOf(refused), ["output_failed"]);
  assertMatch(messageOf(refused), /answers with an error$/);
  await peer.restart({ answer: "silent" });
  await eventually(async () => {
    const signal = AbortSignal.timeout(200);
    const rejected = verifiedEvent();
    // The peer rejects a single frame, and says nothing of three.
    const [silent, answered] = await Promise.all([
      output.deliver([verifiedEvent()], config, { signal }),
      output.deliver([rejected], { ...config, single_frame: true }, { signal }),
    ]);
    assertEquals([...codesOf(silent), ...codesOf(answered)], ["output_timeout", "output_rejected"]);
  });
});

Deno.test("zeromq loses nothing that a DEALER was not answered, when the peer is frozen and killed", async () => {
  await using peer = await ZeromqPeer.start({ kind: "ROUTER" });
  await using output = await open();
  const config = { endpoint: peer.endpoint, socket_type: "DEALER" };
  const attempt = (events: ReturnType<typeof numbered>) =>
    output.deliver(events, config, { signal: AbortSignal.timeout(500) });
  assertEquals(codesOf(await attempt(numbered(1))), ["delivered"]);
  const pending = new Set(numbered(300));
  const answered = new Set<string>();
  const deliverAll = async () => {
    const batch = [...pending].slice(0, 50);
    const results = await attempt(batch);
    batch.forEach((event, index) => {
      if (results[index] !== "delivered") return;
      pending.delete(event);
      answered.add(event.id);
    });
    return results;
  };
  await peer.freeze();
  assertEquals(new Set(codesOf(await deliverAll())), new Set(["output_timeout"]));
  peer.thaw();
  await eventually(async () => {
    await deliverAll();
    assertEquals(answered.size >= 100, true);
  });
  const underWay = deliverAll();
  await peer.kill();
  await underWay;
  await peer.restart();
  await eventually(async () => {
    await deliverAll();
    assertEquals(pending.size, 0);
  });
  const arrived = new Set((await peer.messages()).map(eventIdOf));
  assertEquals([...answered].filter((id) => !arrived.has(id)), []);
});

Deno.test("zeromq pushes to a peer, and to those that come, and pauses while there is none", async () => {
  await using peer = await ZeromqPeer.start({ kind: "PULL" });
  await using output = await open();
  const push = { socket_type: "PUSH", unconfirmed: true };
  const [first, second, third] = numbered(3);
  assertEquals(
    await output.attempt(first!, { ...push, endpoint: peer.endpoint, single_frame: true }),
    "delivered",
  );
  await eventually(async () => assertEquals(texts(await peer.messages()), [[first!.body.text]]));
  await using directory = await TempDir.create();
  // A file that another program has left behind is in nobody's way.
  const path = directory.file("events.sock");
  Deno.listen({ transport: "unix", path }).close();
  const endpoint = `ipc://${path}`;
  await using binding = await open();
  const bound = { ...push, endpoint, bind: true };
  const lonely = await binding.deliver([second!], bound);
  assertEquals(codesOf(lonely), ["output_unavailable"]);
  assertMatch(messageOf(lonely), /No peer of the PUSH socket is connected/);
  await assertRejects(() => binding.probe(), DeliveryError, "No peer");
  await using late = await ZeromqPeer.start({ kind: "PULL", endpoint, way: "connect" });
  await eventually(async () => assertEquals(await binding.attempt(third!, bound), "delivered"));
  await binding.probe();
  await eventually(async () => assertEquals((await late.messages()).map(eventIdOf), [third!.id]));
});

Deno.test("zeromq publishes to those that have subscribed, and tries again while nobody has", async () => {
  const endpoint = `tcp://127.0.0.1:${freePort()}`;
  const pub = { endpoint, unconfirmed: true, bind: true };
  await using output = await open();
  const [lost, first, second] = numbered(3);
  assertEquals(await output.attempt(lost!, pub), "output_unavailable");
  // Somebody who speaks something else is turned away, and in nobody's way.
  using stranger = await Deno.connect({ hostname: "127.0.0.1", port: Number(endpoint.split(":").at(-1)) });
  await stranger.write(new TextEncoder().encode(`GET / HTTP/1.1\r\nx: ${"x".repeat(64)}\r\n\r\n`));
  const rest = new Uint8Array(1024);
  await eventually(async () => assertEquals(await stranger.read(rest).catch(() => null), null));
  await using other = await ZeromqPeer.start({
    kind: "SUB",
    endpoint,
    way: "connect",
    subscriptions: ["news", "ordersX"],
  });
  await eventually(async () => {
    const results = await output.deliver([first!], pub);
    assertMatch(messageOf(results), /No subscriber at .* takes the message/);
  });
  await using subscriber = await ZeromqPeer.start({
    kind: "SUB",
    endpoint,
    way: "connect",
    subscriptions: ["ord"],
  });
  await eventually(async () => assertEquals(await output.attempt(second!, pub), "delivered"));
  await eventually(async () => assertEquals((await subscriber.messages()).map(eventIdOf), [second!.id]));
  assertEquals(await other.messages(), []);
});

Deno.test("zeromq says why it cannot talk to a peer, and falls back to nothing", async () => {
  await using curve = await ZeromqPeer.start({ kind: "REP", way: "curve" });
  await using pull = await ZeromqPeer.start({ kind: "PULL" });
  const inUse = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const endpoint = `tcp://127.0.0.1:${inUse.addr.port}`;
  const cases: readonly [config: object, says: RegExp][] = [
    [
      { endpoint: curve.endpoint, socket_type: "REQ" },
      /does it ask for CURVE|asks for the mechanism 'CURVE', and the gateway speaks only NULL/,
    ],
    [
      { endpoint: pull.endpoint, socket_type: "REQ" },
      /or for another socket\?|its socket is PULL; REQ needs REP or ROUTER/,
    ],
    [{ endpoint, socket_type: "REQ", bind: true }, /EADDRINUSE/],
    [{ endpoint: "ipc:///nowhere/socket", socket_type: "DEALER" }, /ENOENT/],
    [{ endpoint: "ipc:///nowhere/socket", socket_type: "DEALER", bind: true }, /ENOENT|EACCES/],
  ];
  try {
    for (const [config, says] of cases) {
      await using output = await open();
      const results = await output.deliver([verifiedEvent()], config);
      assertEquals(codesOf(results), ["output_unavailable"]);
      assertMatch(messageOf(results), says);
    }
  } finally {
    inUse.close();
  }
  assertEquals([...await curve.messages(), ...await pull.messages()], []);
});
