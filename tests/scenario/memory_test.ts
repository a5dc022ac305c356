import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const MIB = 1024 * 1024;
const BODIES = 32;
const BODY_BYTES = 8 * MIB;

/** What the gateway says of its memory, in bytes. */
async function residentBytes(gateway: GatewayProcess): Promise<number> {
  const answer = await fetch(`${gateway.url}/metrics`);
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(await answer.text())?.[1]);
}

/** Sends half of a body, and on `send()` the rest of it. */
function heldUpload(url: string): { readonly send: () => void; readonly status: Promise<number> } {
  const gate = Promise.withResolvers<void>();
  const half = new Uint8Array(BODY_BYTES / 2).fill(0x61);
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      controller.enqueue(half);
      await gate.promise;
      controller.enqueue(half);
      controller.close();
    },
  });
  const status = fetch(url, { method: "POST", body, headers: { "content-length": String(BODY_BYTES) } })
    .then(async (answer) => {
      await answer.body?.cancel();
      return answer.status;
    });
  return { send: gate.resolve, status };
}

Deno.test("the memory of many large bodies is given back soon after they were answered", async () => {
  await using directory = await TempDir.create();
  const webhooks = { blob: { module: "log", data_type: "blob" } };
  await Deno.writeTextFile(join(directory.path, "webhooks.json"), JSON.stringify(webhooks));
  await using gateway = await GatewayProcess.start({ cwd: directory.path });
  await gateway.waitUntilReady();
  const before = await residentBytes(gateway);

  const uploads = Array.from({ length: BODIES }, () => heldUpload(`${gateway.url}/webhook/blob`));
  const all = BODIES * BODY_BYTES;
  await eventually(async () => assert(await residentBytes(gateway) > before + all / 4));
  for (const upload of uploads) upload.send();
  for (const { status } of uploads) assertEquals(await status, 200);
  await eventually(async () => {
    const kept = await residentBytes(gateway) - before;
    assert(kept < all / 4, `${kept / MIB} MiB of ${all / MIB} are kept`);
  }, { intervalMs: 100 });
});
