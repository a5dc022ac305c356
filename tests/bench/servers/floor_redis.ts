// The least program that makes jobs of RQ (or messages, entries of a stream, tasks) out of requests with the same client, in the same
// batches and with the same script: it takes what has arrived in a turn of the event loop in one write. It checks
// the signature of a request and parses its body, as the gateway does.
// Usage: floor_redis.ts PORT REDIS_PORT pickle|json|message|stream|celery|dramatiq|arq|taskiq SECRET
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { setImmediate } from "node:timers";
import { Redis } from "ioredis";
import { FLOOR_SCRIPTS, floorCommand, type FloorKind } from "../redis_floor.ts";

const [port, redisPort, kind = "json", secret = ""] = Deno.args;
const decoder = new TextDecoder();
const redis = new Redis(Number(redisPort), "127.0.0.1", {
  protocol: 2,
  scripts: FLOOR_SCRIPTS,
});
await redis.ping();

interface Waiting {
  readonly command: readonly unknown[];
  readonly resolve: () => void;
}

const waiting: Waiting[] = [];
let underway = 0;
let count = 0;

function send(command: readonly unknown[]): Promise<void> {
  return new Promise((resolve) => {
    waiting.push({ command, resolve });
    if (waiting.length === 1) setImmediate(flush);
  });
}

async function flush(): Promise<void> {
  if (underway >= 2 || waiting.length === 0) return;
  underway++;
  const batch = waiting.splice(0, 256);
  await redis.pipeline(batch.map(({ command }) => [...command])).exec();
  underway--;
  for (const { resolve } of batch) resolve();
  await flush();
}

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const bytes = new Uint8Array(await request.arrayBuffer());
  const signature = Buffer.from(request.headers.get("x-signature") ?? "", "hex");
  const expected = createHmac("sha256", secret).update(bytes).digest();
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    return new Response(null, { status: 401 });
  }
  const body = decoder.decode(bytes);
  JSON.parse(body);
  const id = `event-of-the-floor-${count++}`;
  await send(floorCommand(kind as FloorKind, id, body, request.headers));
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
