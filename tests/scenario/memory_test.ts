import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/gateway_process.ts";
import { formatRequest, RawHttpConnection } from "../support/raw_http.ts";
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
  // By itself V8 collects after eight seconds of idleness, and under steady small requests hardly ever.
  await eventually(async () => {
    const kept = await residentBytes(gateway) - before;
    assert(kept < all / 4, `${kept / MIB} MiB of ${all / MIB} are kept`);
  }, { timeoutMs: 5_000, intervalMs: 100 });
});
