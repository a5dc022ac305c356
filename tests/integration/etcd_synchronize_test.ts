import { assert, assertEquals, assertRejects } from "@std/assert";
import { EtcdCallError, EtcdConnection } from "../../src/config/etcd/wire/connection.ts";
import { parseEndpoint } from "../../src/config/etcd/wire/endpoint.ts";
import { KeySpace } from "../../src/config/etcd/wire/key_space.ts";
import { listPages } from "../../src/config/etcd/list/pages.ts";
import { EtcdMirror } from "../../src/config/etcd/mirror/mirror.ts";
import { findMissedChanges, synchronize } from "../../src/config/etcd/list/synchronize.ts";
import { assertInStep } from "../support/etcd/assertions.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { FAST, PREFIX } from "../support/etcd/test_provider.ts";
import { RecordingSink } from "../support/recording_sink.ts";

const keySpace = new KeySpace(PREFIX);
const { signal } = new AbortController();
const key = (id: number | string) => `${PREFIX}default/webhooks/w${id}`;

const MISSED = { graceMs: 0, pageTimeoutMs: 5_000, signal } as const;
const REPLACE = {
  trustRevisions: true,
  serving: true,
  confirmAfterMs: 0,
  pageTimeoutMs: 5_000,
  onMassDelete: () => {},
  signal,
} as const;

/** A server with some webhooks, a connection to it, and a mirror that is in step with it. */
async function synchronized(count: number): Promise<
  AsyncDisposable & {
    readonly server: EtcdServer;
    readonly connection: EtcdConnection;
    readonly mirror: EtcdMirror;
    readonly sink: RecordingSink;
  }
> {
  await using resources = new AsyncDisposableStack();
  const server = resources.use(await EtcdServer.start());
  await server.gateway.fill(
    Array.from({ length: count }, (_, id) => [key(id), JSON.stringify({ "x-id": id })]),
  );
  const { connection } = await EtcdConnection.open(
    parseEndpoint(server.endpoint, false),
    { ...FAST, probeKey: keySpace.start },
    signal,
  );
  resources.use(connection);
  const sink = new RecordingSink();
  const mirror = new EtcdMirror({ sink, keySpace, keepTexts: false });
  await synchronize(connection, mirror, REPLACE);
  const owned = resources.move();
  return { server, connection, mirror, sink, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("comparing revisions finds nothing while everything is in step", async () => {
  await using subject = await synchronized(1_200);
  const { server, connection, mirror } = subject;
  await server.gateway.put(`${PREFIX}foreign`, "1");
  await server.gateway.put("/elsewhere", "1");
  assertEquals((await findMissedChanges(connection, mirror, MISSED)).missed, 0);
});

Deno.test("comparing revisions finds a new, a changed and a deleted key that nobody has reported", async () => {
  await using subject = await synchronized(30);
  const { server, connection, mirror, sink } = subject;
  await server.gateway.putJson(key("new"), {});
  await server.gateway.putJson(key(1), {});
  await server.gateway.delete(key(2));
  assertEquals((await findMissedChanges(connection, mirror, MISSED)).missed, 3);

  await synchronize(connection, mirror, REPLACE);
  assertEquals((await findMissedChanges(connection, mirror, MISSED)).missed, 0);
  await assertInStep(sink, server.gateway, PREFIX);
});

Deno.test("comparing revisions counts nothing that arrives within the grace period", async () => {
  await using subject = await synchronized(30);
  const { server, connection, mirror } = subject;
  await server.gateway.putJson(key(1), {});
  const missed = findMissedChanges(connection, mirror, { ...MISSED, graceMs: 500 });
  await synchronize(connection, mirror, REPLACE);
  assertEquals((await missed).missed, 0);
});

Deno.test("a list reads every key once, at one revision, whatever is written meanwhile", async () => {
  await using subject = await synchronized(1_000);
  const { server, connection } = subject;
  const before = await server.gateway.revision();
  const seen: string[] = [];
  const options = { keysOnly: true, pageKeys: 100, pageBytes: 1_000_000, pageTimeoutMs: 5_000 };
  for await (const { page, header } of listPages(connection, keySpace, options)) {
    assertEquals(header.revision, before);
    await server.gateway.putJson(key(`0-${seen.length}`), {});
    await server.gateway.delete(key(999 - seen.length));
    seen.push(...Array.from(page.keys(), (each) => each.key.toString()));
  }
  assertEquals(seen, Array.from({ length: 1_000 }, (_, id) => key(id)).sort());
});

Deno.test("a list reads every key once between its boundaries, also where keys are new or gone", async () => {
  await using subject = await synchronized(1_000);
  const { server, connection } = subject;
  await server.gateway.fill(Array.from({ length: 500 }, (_, id) => [key(`5-${id}`), "{}"]));
  await server.gateway.deletePrefix(key(2));
  const boundaries = Array.from({ length: 10 }, (_, id) => `default/webhooks/w${id}00`).sort();
  const options = { keysOnly: false, pageKeys: 100, pageBytes: 1_000_000, pageTimeoutMs: 5_000, boundaries };
  const seen: string[] = [];
  for await (const { page } of listPages(connection, keySpace, options)) {
    assert(page.size <= 100);
    seen.push(...Array.from(page.keys(), (each) => each.key.toString()));
  }
  assertEquals(seen, [...(await server.gateway.read(PREFIX)).keys()]);
});

Deno.test("a list fails when a compaction overtakes it", async () => {
  await using subject = await synchronized(1_000);
  const { server, connection } = subject;
  const options = { keysOnly: true, pageKeys: 100, pageBytes: 1_000_000, pageTimeoutMs: 5_000 };
  const error = await assertRejects(async () => {
    for await (const _page of listPages(connection, keySpace, options)) {
      await server.gateway.compact(await server.gateway.putJson(key(1), {}));
    }
  }, EtcdCallError);
  assertEquals(error.failure, "out_of_range");
});

Deno.test("synchronizing begins again when a compaction overtakes its list", async () => {
  await using subject = await synchronized(1_500);
  const { server, connection, mirror, sink } = subject;
  await server.gateway.putJson(key(1), {});
  let calls = 0;
  const interrupted = Object.assign(Object.create(connection) as EtcdConnection, {
    range: async (...call: Parameters<EtcdConnection["range"]>) => {
      // Between the first page and the second one, once.
      if (++calls === 2) await server.gateway.compact(await server.gateway.putJson(key(2), {}));
      return await connection.range(...call);
    },
  });
  await synchronize(interrupted, mirror, REPLACE);
  await assertInStep(sink, server.gateway, PREFIX);
});
