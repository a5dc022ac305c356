/** What silence of a watch proves, with servers and proxies that answer requests for progress differently. */

import { assertEquals } from "@std/assert";
import { assertInStep } from "../support/etcd/assertions.ts";
import { EtcdFront } from "../support/etcd/front.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { PREFIX, TestProvider, type TestProviderOptions } from "../support/etcd/test_provider.ts";
import { eventually } from "../support/eventually.ts";

const key = (id: string) => `${PREFIX}default/webhooks/${id}`;

/** Many checks fit into it: what ends a watch would have ended it. */
const TIMING = { checkIntervalMs: 20, silenceMs: 300, callTimeoutMs: 1_000 } as const;
const CHECKS = 25;

function start(front: EtcdFront, options: Partial<TestProviderOptions> = {}): Promise<TestProvider> {
  return TestProvider.start({ endpoints: [front.endpoint], timing: TIMING, ...options });
}

/** Waits until etcd was proven to be in step so many times more. */
async function checksPass(provider: TestProvider, count: number): Promise<void> {
  for (let seen = 0; seen < count; seen++) {
    const before = provider.provider.status().lastSyncAt!;
    await eventually(() => provider.provider.status().lastSyncAt! > before);
  }
}

Deno.test("a good watch lives on while a quiet etcd answers no progress request, and last_sync moves", async () => {
  await using etcd = await EtcdServer.start();
  await using front = await EtcdFront.start(etcd.endpoint, "in_step");
  await etcd.gateway.putJson(key("a"), { module: "log" });
  await using provider = await start(front);
  await checksPass(provider, CHECKS);
  assertEquals(front.watches, 1);
  assertEquals(provider.provider.stats().ends, {});
  assertEquals(provider.provider.stats().lists, { start: 1 });
});

Deno.test("a watch that was resumed lives on in a quiet etcd that had answered before", async () => {
  await using etcd = await EtcdServer.start();
  await using front = await EtcdFront.start(etcd.endpoint, "in_step");
  await using provider = await start(front);
  await etcd.gateway.putJson(key("a"), { module: "log" });
  await eventually(() => front.progressRequests > 0);
  await checksPass(provider, CHECKS);
  await etcd.restart();
  await eventually(() => provider.provider.stats().lists.reconnected === 1);
  const { ends } = provider.provider.stats();
  await checksPass(provider, CHECKS);
  assertEquals(provider.provider.stats().ends, ends);
});

for (const rule of ["in_step", "never"] as const) {
  Deno.test(`a stream that died on a living connection is found at the next change (progress: ${rule})`, async () => {
    await using etcd = await EtcdServer.start();
    await using front = await EtcdFront.start(etcd.endpoint, rule);
    await using provider = await start(front);
    await front.silence();
    await etcd.gateway.putJson(key("a"), { module: "log" });
    await eventually(() => assertInStep(provider.sink, etcd.gateway, PREFIX));
    assertEquals(provider.provider.stats().ends, { silent: 1 });
    await eventually(() => provider.provider.stats().lists.reconnected === 1);
  });
}

Deno.test("behind a proxy without progress, changes of other prefixes end no watch and fill no log", async () => {
  await using etcd = await EtcdServer.start();
  await using front = await EtcdFront.start(etcd.endpoint, "never");
  await using provider = await start(front);
  for (let write = 0; write < CHECKS; write++) {
    await etcd.gateway.putJson("/elsewhere", { write });
    await checksPass(provider, 1);
  }
  await etcd.gateway.putJson(key("a"), { module: "log" });
  await eventually(() => assertInStep(provider.sink, etcd.gateway, PREFIX));
  assertEquals(front.watches, 1);
  assertEquals(provider.provider.stats().ends, {});
  // A proxy writes an error to its log for each.
  assertEquals(front.progressRequests <= 3, true);
});
