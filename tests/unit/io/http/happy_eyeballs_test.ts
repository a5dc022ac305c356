import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, type Socket } from "node:net";
import { HappyEyeballs } from "../../../../src/io/http/happy_eyeballs.ts";
import { errorCode } from "../../../../src/errors.ts";
import { eventually } from "../../../support/eventually.ts";
import { BlackHole } from "../../../support/http/black_hole.ts";
import { HttpTarget } from "../../../support/http/target.ts";

const NEVER = new AbortController().signal;

/** What opens sockets to a port, and keeps them. */
function opener(port: number, options: { readonly after?: Readonly<Record<string, Promise<unknown>>> } = {}) {
  const opened: { readonly address: string; readonly socket: Socket }[] = [];
  const open = ({ address }: { readonly address: string }): Socket => {
    const gate = options.after?.[address];
    const socket = gate === undefined ? connect({ host: address, port }) : connect({
      host: "later.test",
      port,
      lookup: (_host, _options, callback) => void gate.then(() => callback(null, [{ address, family: 4 }])),
    });
    opened.push({ address, socket });
    return socket;
  };
  return { open, opened };
}

function addresses(...list: readonly string[]) {
  return list.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

Deno.test("an address that never answers holds a connection up for a moment only", async () => {
  await using target = await HttpTarget.start();
  using _hole = await BlackHole.open({ hostname: "127.0.0.2", port: target.port });
  const { open, opened } = opener(target.port);
  const eyeballs = new HappyEyeballs();
  const startedAt = performance.now();
  const first = await eyeballs.connect(addresses("127.0.0.2", "127.0.0.1"), open, NEVER);
  const tookMs = performance.now() - startedAt;
  assertEquals(first.remoteAddress, "127.0.0.1");
  assert(tookMs < 1_500, `${tookMs} ms`);
  // Its own attempt has ended, and the next connection does not begin with it.
  assert(opened[0]?.socket.destroyed);
  const next = await eyeballs.connect(addresses("127.0.0.2", "127.0.0.1"), open, NEVER);
  assertEquals(opened.map(({ address }) => address), ["127.0.0.2", "127.0.0.1", "127.0.0.1"]);
  first.destroy();
  next.destroy();
});

Deno.test("an address that refuses is followed by the next at once, of either family", async () => {
  await using target = await HttpTarget.start();
  const { open, opened } = opener(target.port);
  // Nothing listens there: the system refuses, whether it has IPv6 or not.
  const socket = await new HappyEyeballs().connect(addresses("::1", "127.0.0.3", "127.0.0.1"), open, NEVER);
  assertEquals(socket.remoteAddress, "127.0.0.1");
  assertEquals(opened.map(({ address }) => address), ["::1", "127.0.0.3", "127.0.0.1"]);
  socket.destroy();
});

Deno.test("an address that answers late is still waited for when the others fail", async () => {
  await using target = await HttpTarget.start();
  const late = Promise.withResolvers<void>();
  const { open, opened } = opener(target.port, { after: { "127.0.0.1": late.promise } });
  const eyeballs = new HappyEyeballs({ attemptDelayMs: 5 });
  const connecting = eyeballs.connect(addresses("127.0.0.1", "127.0.0.3"), open, NEVER);
  await eventually(() => assert(opened[1]?.socket.destroyed));
  late.resolve();
  const socket = await connecting;
  assertEquals(socket.remoteAddress, "127.0.0.1");
  socket.destroy();
});

Deno.test("when no address can be connected to, the last failure is the reason", async () => {
  await using target = await HttpTarget.start();
  const { open } = opener(target.port);
  const error = await assertRejects(() => new HappyEyeballs().connect(addresses("127.0.0.3"), open, NEVER));
  assertEquals(errorCode(error), "ECONNREFUSED");
  await assertRejects(() => new HappyEyeballs().connect([], open, NEVER), Error, "no address");
});

Deno.test("whoever gives a connection up has all its attempts ended, of which few are made at once", async () => {
  using hole = await BlackHole.open({ hostname: "127.0.0.2", port: 0 });
  const { open, opened } = opener(hole.port);
  const waiting = new AbortController();
  const many = addresses(...Array.from({ length: 10 }, () => "127.0.0.2"));
  const connecting = new HappyEyeballs({ attemptDelayMs: 5 }).connect(many, open, waiting.signal);
  await eventually(() => assertEquals(opened.length, 10));
  assertEquals(opened.filter(({ socket }) => !socket.destroyed).length, 8);
  const reason = new Error("given up");
  waiting.abort(reason);
  assertEquals(await assertRejects(() => connecting), reason);
  await eventually(() => assert(opened.every(({ socket }) => socket.destroyed)));
});

Deno.test("addresses that never answer are given up after a time", async () => {
  using hole = await BlackHole.open({ hostname: "127.0.0.2", port: 0 });
  const { open, opened } = opener(hole.port);
  const eyeballs = new HappyEyeballs({ attemptDelayMs: 5, connectMs: 20 });
  const error = await assertRejects(() => eyeballs.connect(addresses("127.0.0.2", "127.0.0.2"), open, NEVER));
  assertEquals(errorCode(error), "ETIMEDOUT");
  await eventually(() => assert(opened.every(({ socket }) => socket.destroyed)));
});
