import { gzipSync } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { httpWebhook, Victim } from "../attacks/victim.ts";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { formatRequest, RawHttpConnection } from "../support/http/raw_http.ts";
import { HttpTarget } from "../support/http/target.ts";
import { TempDir } from "../support/temp_dir.ts";

const MIB = 1024 * 1024;
const BODIES = 32;
const BODY_BYTES = 8 * MIB;
const DECLARED = { "Content-Length": String(BODY_BYTES) };

/** What the gateway says of its memory, in bytes. */
async function residentBytes(gateway: GatewayProcess): Promise<number> {
  const answer = await fetch(`${gateway.url}/metrics`);
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(await answer.text())?.[1]);
}

Deno.test("the memory of many large bodies is given back soon after they were answered", async () => {
  await using directory = await TempDir.create();
  const webhooks = { blob: { module: "log", data_type: "blob" } };
  await Deno.writeTextFile(join(directory.path, "webhooks.json"), JSON.stringify(webhooks));
  await using gateway = await GatewayProcess.start({ cwd: directory.path });
  await gateway.waitUntilReady();
  const before = await residentBytes(gateway);

  // All of them are there in half before the first is whole, so that none makes room for another.
  await using connections = new AsyncDisposableStack();
  const half = new Uint8Array(BODY_BYTES / 2).fill(0x61);
  const uploads: RawHttpConnection[] = [];
  for (let number = 0; number < BODIES; number++) {
    const upload = connections.use(await RawHttpConnection.open(gateway.port));
    await upload.write(formatRequest("POST", "/webhook/blob", { headers: DECLARED }));
    await upload.write(half);
    uploads.push(upload);
  }
  const all = BODIES * BODY_BYTES;
  await eventually(async () => assert(await residentBytes(gateway) > before + all / 4));
  for (const upload of uploads) await upload.write(half);
  for (const upload of uploads) assertEquals((await upload.readResponse()).status, 200);
  // By itself V8 collects after eight seconds of idleness, and under these small requests not within the minute.
  await eventually(async () => {
    const kept = await residentBytes(gateway) - before;
    assert(kept < all / 4, `${kept / MIB} MiB of ${all / MIB} are kept`);
  }, { timeoutMs: 60_000, intervalMs: 100 });
});

/** How much more a gateway may take than in ordinary service, with `MAX_INFLIGHT_BYTES` of 64 MiB. */
const MAX_MORE_BYTES = 192 * MIB;

Deno.test("compressed bodies take no more memory than MAX_INFLIGHT_BYTES, and are refused beyond it", async () => {
  await using target = await HttpTarget.start();
  target.answer("hang");
  const held = httpWebhook(target.url, { accept: "delivered" }, { timeout: 2 });
  const blob = { ...held, data_type: "blob" };
  await using victim = await Victim.start({
    webhooks: { held, blob, log: { module: "log" } },
    env: { MAX_INFLIGHT_BYTES: String(64 * MIB) },
  });
  for (let sent = 0; sent < 2_000; sent += 50) {
    await Promise.all(Array.from({ length: 50 }, () => victim.post("log")));
  }
  await using watch = await victim.watch();
  const zip = { "content-encoding": "gzip" };
  const bodies = [
    `[${'"",'.repeat(900_000)}""]`,
    `"${"\\u00e9".repeat(1_500_000)}"`,
    "\0".repeat(10_000_000),
  ];
  const packed = bodies.map((body) => new Uint8Array(gzipSync(body)));
  const answers = await Promise.all(
    Array.from(
      { length: 60 },
      (_, index) => victim.post(index % 3 === 2 ? "blob" : "held", packed[index % 3], zip),
    ),
  );
  const counts = Map.groupBy(answers, ({ status, code }) => `${status} ${code}`);
  assertEquals([...counts.keys()].toSorted(), ["503 overloaded", "504 output_timeout"]);
  const { firstBytes, peakBytes } = await watch.observe();
  assert(peakBytes - firstBytes < MAX_MORE_BYTES, `${(peakBytes - firstBytes) / MIB} MiB more`);
});
