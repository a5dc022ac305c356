import { assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { type Answer, errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { TempDir } from "../../support/temp_dir.ts";

const durable = new ProbeModule({ acceptance: "durable" });
const direct = new ProbeModule({ name: "direct", acceptance: "delivered" });

function start(dataDir: string): Promise<TestGateway> {
  return TestGateway.start({
    webhooks: { durable: { module: "probe" }, direct: { module: "direct" } },
    modules: [durable.module, direct.module],
    environment: { DATA_DIR: dataDir },
  });
}

interface Readiness {
  readonly status: string;
  readonly configuration: string;
  readonly journal?: string;
}

async function readiness(gateway: TestGateway): Promise<[number, Readiness]> {
  const { status, text } = await gateway.request("/readyz");
  return [status, JSON.parse(text) as Readiness];
}

/** It says why it is not ready, and refuses what it cannot keep. */
async function assertUnready(gateway: TestGateway, reason: RegExp): Promise<void> {
  await eventually(async () => {
    const [status, { journal }] = await readiness(gateway);
    assertEquals(status, 503);
    assertMatch(journal ?? "", reason);
  });
  const refused = await gateway.post("/webhook/durable", "{}");
  assertEquals([refused.status, errorCode(refused)], [503, "journal_unavailable"]);
  assertEquals((await gateway.post("/webhook/direct", "{}")).status, 200, "others need no journal");
  assertEquals((await gateway.request("/livez")).status, 200);
}

async function assertReady(gateway: TestGateway): Promise<void> {
  await eventually(async () => {
    assertEquals(await readiness(gateway), [200, { status: "ready", configuration: "loaded" }]);
  });
  assertEquals((await gateway.post("/webhook/durable", "{}")).status, 200);
}

async function pending(gateway: TestGateway): Promise<string | undefined> {
  const { text }: Answer = await gateway.request("/metrics");
  return /^cwm_events_pending (\d+)$/m.exec(text)?.[1];
}

Deno.test("a second gateway on a data directory is not ready until the first ends, and says why", async () => {
  await using temporary = await TempDir.create();
  let second: TestGateway;
  {
    await using first = await start(temporary.path);
    assertEquals((await first.post("/webhook/durable", "{}")).status, 200);
    second = await start(temporary.path);
    await assertUnready(second, /in use by another process/);
    assertEquals(await pending(second), undefined, "no number rather than a wrong one");
    assertEquals((await first.post("/webhook/durable", "{}")).status, 200, "the first works on");
  }
  await using _second = second;
  await assertReady(second);
  await eventually(async () => assertEquals(await pending(second), "0"), { timeoutMs: 60_000 });
});

Deno.test("of two gateways on an empty data directory, the one that comes second is not ready", async () => {
  await using temporary = await TempDir.create();
  await using second = await start(temporary.path);
  assertEquals((await readiness(second))[0], 200);
  await using first = await start(temporary.path);
  assertEquals((await first.post("/webhook/durable", "{}")).status, 200);
  await assertUnready(second, /in use by another process/);
});

Deno.test("a gateway without a data directory is not ready until it can make one, and loses nothing", async () => {
  await using temporary = await TempDir.create();
  const data = temporary.file("data");
  await using gateway = await start(data);
  durable.behaviour = () => new Promise(() => {});
  assertEquals((await gateway.post("/webhook/durable", "{}")).status, 200);
  await Deno.remove(data, { recursive: true });
  await temporary.writeText("data", "a file where the directory should be");
  await assertUnready(gateway, /gone/);
  assertEquals(await pending(gateway), "1");
  await Deno.remove(data);
  await assertReady(gateway);
  assertEquals(await pending(gateway), "2");
});
