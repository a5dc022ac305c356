/**
 * What every configuration provider promises, whatever it reads from. Each provider's test runs the suite:
 *
 *     testProviderContract("file provider", setUpFileHarness, { namespaces: ["default"] });
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { ConfigProvider } from "../../src/config/provider.ts";
import { eventually } from "../support/eventually.ts";
import { RecordingSink } from "../support/recording_sink.ts";
import { patience } from "../support/patience.ts";

/** A provider that has not been started, on an empty backend of its own, and the hands of an operator. */
export interface ProviderHarness extends AsyncDisposable {
  readonly provider: ConfigProvider;
  /** Makes another provider on the same backend. */
  createProvider(): ConfigProvider;
  putWebhook(namespace: string, id: string, value: unknown): Promise<void>;
  deleteWebhook(namespace: string, id: string): Promise<void>;
  putConnection(name: string, value: unknown): Promise<void>;
  deleteConnection(name: string): Promise<void>;
  /** Takes the backend out of the provider's reach; the operator's hands still reach it. */
  makeUnavailable(): Promise<void>;
  makeAvailable(): Promise<void>;
}

export interface ProviderContractOptions {
  /** Namespaces that the backend can hold. */
  readonly namespaces: readonly [string, ...string[]];
}

/** A started provider with its harness and its sink. */
interface Subject extends AsyncDisposable {
  readonly harness: ProviderHarness;
  readonly provider: ConfigProvider;
  readonly sink: RecordingSink;
}

/** Fails a test whose provider hangs; no test comes near it otherwise. */
function deadline(): AbortSignal {
  return patience(20_000);
}

/** Registers the tests of the contract. `setUp` makes a new harness for each. */
export function testProviderContract(
  name: string,
  setUp: () => Promise<ProviderHarness>,
  { namespaces }: ProviderContractOptions,
): void {
  const namespace = namespaces[0];
  const webhook = (id: string, inNamespace = namespace) => `webhook ${inNamespace}/${id}`;

  /** Starts a provider on a backend that holds what `fill` puts there. */
  async function start(fill: (harness: ProviderHarness) => Promise<void> = async () => {}): Promise<Subject> {
    const harness = await setUp();
    const { provider } = harness;
    const sink = new RecordingSink();
    const end = async () => {
      await provider[Symbol.asyncDispose]();
      await harness[Symbol.asyncDispose]();
    };
    try {
      await fill(harness);
      await provider.start(sink, deadline());
    } catch (error) {
      await end();
      throw error;
    }
    return { harness, provider, sink, [Symbol.asyncDispose]: end };
  }

  Deno.test(`${name} has applied everything that is there when its start resolves`, async () => {
    await using subject = await start(async (harness) => {
      for (const each of namespaces) {
        await harness.putWebhook(each, "orders", { module: "log", "x-in": each });
      }
      await harness.putConnection("kafka_main", { type: "kafka" });
    });
    const { sink } = subject;
    assertEquals(sink.keys, [
      "connection kafka_main",
      ...namespaces.map((each) => webhook("orders", each)).sort(),
    ]);
    for (const each of namespaces) {
      assertEquals(sink.json(webhook("orders", each)), { module: "log", "x-in": each });
    }
    assertEquals(sink.json("connection kafka_main"), { type: "kafka" });
  });

  Deno.test(`${name} reports a new webhook and a new connection once each`, async () => {
    await using subject = await start((harness) => harness.putWebhook(namespace, "a", { module: "log" }));
    const { harness, provider, sink } = subject;
    await harness.putWebhook(namespace, "b", { module: "kafka" });
    await harness.putConnection("c", { type: "kafka" });
    await eventually(() => {
      assertEquals(sink.json(webhook("b")), { module: "kafka" });
      assertEquals(sink.json("connection c"), { type: "kafka" });
    });
    await provider.reload(deadline());
    assertEquals(sink.changes.toSorted(), ["put connection c", `put ${webhook("a")}`, `put ${webhook("b")}`]);
  });

  const putSome = async (harness: ProviderHarness) => {
    await harness.putWebhook(namespace, "a", { module: "log" });
    await harness.putWebhook(namespace, "b", { module: "log" });
    await harness.putConnection("c", { type: "kafka" });
  };

  Deno.test(`${name} reports a changed value and leaves the unchanged ones alone`, async () => {
    await using subject = await start(putSome);
    const { harness, provider, sink } = subject;
    const before = sink.changes.length;
    await harness.putWebhook(namespace, "a", { module: "kafka" });
    await eventually(() => assertEquals(sink.json(webhook("a")), { module: "kafka" }));
    await provider.reload(deadline());
    assertEquals(sink.changes.slice(before), [`put ${webhook("a")}`]);
  });

  Deno.test(`${name} reports a removed webhook and a removed connection as deletes`, async () => {
    await using subject = await start(putSome);
    const { harness, provider, sink } = subject;
    const before = sink.changes.length;
    await harness.deleteWebhook(namespace, "a");
    await harness.deleteConnection("c");
    await eventually(() => assertEquals(sink.keys, [webhook("b")]));
    await provider.reload(deadline());
    assertEquals(sink.changes.slice(before).toSorted(), ["delete connection c", `delete ${webhook("a")}`]);
  });

  Deno.test(`${name} reports a webhook again that was removed and put back`, async () => {
    await using subject = await start((harness) => harness.putWebhook(namespace, "a", { module: "log" }));
    const { harness, sink } = subject;
    await harness.deleteWebhook(namespace, "a");
    await eventually(() => assertEquals(sink.keys, []));
    await harness.putWebhook(namespace, "a", { module: "log" });
    await eventually(() => assertEquals(sink.json(webhook("a")), { module: "log" }));
    assertEquals(sink.changes, [`put ${webhook("a")}`, `delete ${webhook("a")}`, `put ${webhook("a")}`]);
  });

  Deno.test(`${name} reports a broken value as a problem of its key alone`, async () => {
    await using subject = await start((harness) => harness.putWebhook(namespace, "a", { module: "log" }));
    const { harness, sink } = subject;
    await harness.putWebhook(namespace, "broken", 42);
    await harness.putWebhook(namespace, "c", { module: "log" });
    await eventually(() => assertEquals(sink.json(webhook("c")), { module: "log" }));
    assertEquals(sink.problemCode(webhook("broken")), "not_an_object");
    assertEquals(sink.json(webhook("a")), { module: "log" });
    assertEquals([...sink.sources.keys()], []);

    await harness.putWebhook(namespace, "broken", { module: "log" });
    await eventually(() => assertEquals(sink.json(webhook("broken")), { module: "log" }));
  });

  Deno.test(`${name} ends in the newest value after changes in quick succession`, async () => {
    await using subject = await start((harness) => harness.putWebhook(namespace, "a", { "x-version": 0 }));
    const { harness, sink } = subject;
    for (let version = 1; version <= 20; version++) {
      await harness.putWebhook(namespace, "a", { "x-version": version });
    }
    await eventually(() => assertEquals(sink.json(webhook("a")), { "x-version": 20 }));
    const versions = sink.history(webhook("a")).map((value) =>
      (value as { "x-version": number })["x-version"]
    );
    assertEquals(
      versions,
      [...new Set(versions)].toSorted((a, b) => a - b),
      "an older value came after a newer one",
    );
  });

  Deno.test(`${name} has applied what changed before a reload when that resolves`, async () => {
    await using subject = await start();
    const { harness, provider, sink } = subject;
    for (let version = 1; version <= 5; version++) {
      await harness.putWebhook(namespace, "a", { "x-version": version });
      await provider.reload(deadline());
      assertEquals(sink.json(webhook("a")), { "x-version": version });
    }
  });

  Deno.test(`${name} tells its revision and when it was last in step`, async () => {
    const before = Date.now();
    await using harness = await setUp();
    await using provider = harness.createProvider();
    const sink = new RecordingSink();
    const fresh = provider.status();
    assertEquals([fresh.connected, fresh.revision, fresh.lastSyncAt], [false, "", undefined]);

    await harness.putWebhook(namespace, "a", { module: "log" });
    await provider.start(sink, deadline());
    const started = provider.status();
    assertEquals([started.backend, started.connected, started.degraded], [provider.backend, true, false]);
    assertNotEquals(started.revision, "");
    assert(
      started.lastSyncAt !== undefined && started.lastSyncAt >= before && started.lastSyncAt <= Date.now(),
    );

    await harness.putWebhook(namespace, "a", { module: "kafka" });
    await eventually(() => assertEquals(sink.json(webhook("a")), { module: "kafka" }));
    const [change] = sink.batches.at(-1) ?? [];
    assertEquals(provider.status().revision, change?.revision);
    assert(Number(change?.revision) > Number(started.revision), "the revision did not grow");
  });

  Deno.test(`${name} keeps what it has while the backend is away, and catches up when it is back`, async () => {
    await using subject = await start(async (harness) => {
      await harness.putWebhook(namespace, "changed", { "x-version": 1 });
      await harness.putWebhook(namespace, "removed", { module: "log" });
      await harness.putWebhook(namespace, "kept", { module: "log" });
    });
    const { harness, provider, sink } = subject;
    const before = sink.changes.length;
    await harness.makeUnavailable();
    await eventually(() => !provider.status().connected || provider.status().degraded);
    await harness.putWebhook(namespace, "changed", { "x-version": 2 });
    await harness.deleteWebhook(namespace, "removed");
    await harness.putWebhook(namespace, "added", { module: "log" });
    assertEquals(sink.changes.length, before);

    await harness.makeAvailable();
    await eventually(() => {
      assertEquals(sink.keys, ["added", "changed", "kept"].map((id) => webhook(id)));
      assertEquals(sink.json(webhook("changed")), { "x-version": 2 });
    });
    assertEquals(
      sink.changes.slice(before).toSorted(),
      [`delete ${webhook("removed")}`, `put ${webhook("added")}`, `put ${webhook("changed")}`],
    );
    await eventually(() => provider.status().connected && !provider.status().degraded);
    assertEquals([...sink.sources.keys()], []);
  });

  Deno.test(`${name} reports nothing more once it is disposed, however often`, async () => {
    await using subject = await start((harness) => harness.putWebhook(namespace, "a", { "x-version": 1 }));
    const { harness, provider, sink } = subject;
    await using witness = harness.createProvider();
    const witnessed = new RecordingSink();
    await witness.start(witnessed, deadline());

    await provider[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
    await harness.putWebhook(namespace, "a", { "x-version": 2 });
    await eventually(() => assertEquals(witnessed.json(webhook("a")), { "x-version": 2 }));
    assertEquals(sink.json(webhook("a")), { "x-version": 1 });
    assertEquals(provider.status().connected, false);
  });

  Deno.test(`${name} gives the signal's reason when its start is aborted before`, async () => {
    await using harness = await setUp();
    await using provider = harness.createProvider();
    await harness.putWebhook(namespace, "a", { module: "log" });
    const sink = new RecordingSink();
    const reason = new Error("The test gives up");
    const error = await assertRejects(() => provider.start(sink, AbortSignal.abort(reason)));
    assertStrictEquals(error, reason);
    assertEquals(sink.batches, []);
  });

  Deno.test(`${name} gives the signal's reason when its start is aborted on the way`, async () => {
    await using harness = await setUp();
    await using provider = harness.createProvider();
    await harness.putWebhook(namespace, "a", { module: "log" });
    const sink = new RecordingSink();
    const reason = new Error("The test gives up");
    const aborter = new AbortController();
    const started = provider.start(sink, aborter.signal);
    aborter.abort(reason);
    const error = await assertRejects(() => started);
    assertStrictEquals(error, reason);
    await provider[Symbol.asyncDispose]();
    assertEquals(sink.batches, []);
  });
}
