/** Whether memory stays flat: under many requests, and under large bodies that arrive slowly. */

import { fromFileUrl, join } from "@std/path";

const root = fromFileUrl(new URL("../..", import.meta.url));
const PORT = 19_450;
const REQUESTS = 1_000_000;
const SLOW_CLIENTS = 64;
const SLOW_BODY_BYTES = 10 * 1024 * 1024;
const SLOW_PIECES = 20;

const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));

export async function benchMemory(): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-bench-" });
  await Deno.writeTextFile(
    join(directory, "webhooks.json"),
    JSON.stringify({ default: { module: "log" }, blob: { module: "log", data_type: "blob" } }),
  );
  const gateway = new Deno.Command("bash", {
    args: [
      "-c",
      `exec '${Deno.execPath()}' run --allow-all '${join(root, "src/main.ts")}' serve > /dev/null`,
    ],
    cwd: directory,
    env: { PORT: String(PORT), LOG_LEVEL: "error", BODY_TIMEOUT_MS: "120000" },
  }).spawn();
  try {
    await untilReady();
    await manyRequests(gateway.pid, directory);
    await slowClients(gateway.pid);
    await requestsFor(2, directory);
    print(`resident MiB after two more seconds of requests ${residentMiB(gateway.pid).toFixed(0)}`);
  } finally {
    gateway.kill("SIGKILL");
    await gateway.status;
    await Deno.remove(directory, { recursive: true });
  }
}

async function manyRequests(pid: number, directory: string): Promise<void> {
  print(`requests so far, resident MiB (${REQUESTS} in all)`);
  let sent = 0;
  while (sent < REQUESTS) {
    sent += await requestsFor(2, directory);
    print(`${String(sent).padStart(10)} ${residentMiB(pid).toFixed(0).padStart(6)}`);
  }
}

/** Sends requests for some seconds and returns how many were answered. */
async function requestsFor(seconds: number, directory: string): Promise<number> {
  const script = join(directory, "request.lua");
  await Deno.writeTextFile(script, `wrk.method = "POST"\nwrk.body = '{"action":"push","number":1234}'`);
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t1", "-c32", `-d${seconds}s`, "-s", script, `http://127.0.0.1:${PORT}/webhook/default`],
  }).output();
  return Number(/(\d+) requests in/.exec(new TextDecoder().decode(stdout))?.[1]);
}

async function slowClients(pid: number): Promise<void> {
  const before = residentMiB(pid);
  let peak = before;
  const sampler = setInterval(() => peak = Math.max(peak, residentMiB(pid)), 50);
  const statuses = await Promise.all(Array.from({ length: SLOW_CLIENTS }, slowUpload));
  clearInterval(sampler);
  // What is measured is how much is left after this time.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const accepted = statuses.filter((status) => status === 200).length;
  print(`${SLOW_CLIENTS} slow clients, ${SLOW_BODY_BYTES / 1024 / 1024} MiB each: ${accepted} accepted`);
  print(
    `resident MiB before ${before.toFixed(0)}, peak ${peak.toFixed(0)}, after ${residentMiB(pid).toFixed(0)}`,
  );
}

/** Sends a large body in pieces, with pauses between them. Returns the status of the answer. */
async function slowUpload(): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: PORT });
  const head = `POST /webhook/blob HTTP/1.1\r\nHost: x\r\nContent-Length: ${SLOW_BODY_BYTES}\r\n\r\n`;
  await writeAll(connection, new TextEncoder().encode(head));
  const piece = new Uint8Array(SLOW_BODY_BYTES / SLOW_PIECES).fill(0x61);
  for (let sent = 0; sent < SLOW_PIECES; sent++) {
    await writeAll(connection, piece);
    // The pace is what makes the client slow.
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const buffer = new Uint8Array(1024);
  const count = await connection.read(buffer) ?? 0;
  return Number(/^HTTP\/1\.1 (\d+)/.exec(new TextDecoder().decode(buffer.subarray(0, count)))?.[1]);
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

async function untilReady(): Promise<void> {
  const deadline = AbortSignal.timeout(20_000);
  for (;;) {
    deadline.throwIfAborted();
    try {
      const response = await fetch(`http://127.0.0.1:${PORT}/readyz`);
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]) / 1024;
}
