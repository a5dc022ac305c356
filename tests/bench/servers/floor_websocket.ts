// The least program that makes messages of a WebSocket out of requests, in the same batches: it takes what has arrived in
// a turn of the event loop, or while a batch is under way. It checks the signature of a request and parses its body, as
// the gateway does.
// Usage: floor_websocket.ts PORT URL SECRET
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { setImmediate } from "node:timers";
import { FLOOR_BATCH, FloorSocket } from "../websocket_floor.ts";

const [port, url = "", secret = ""] = Deno.args;
const socket = await FloorSocket.open(url);
const decoder = new TextDecoder();

interface Waiting {
  readonly message: readonly [id: string, body: string];
  readonly resolve: () => void;
}

const waiting: Waiting[] = [];
let isUnderWay = false;
let count = 0;

function send(id: string, body: string): Promise<void> {
  return new Promise((resolve) => {
    waiting.push({ message: [id, body], resolve });
    if (waiting.length === 1) setImmediate(flush);
  });
}

async function flush(): Promise<void> {
  if (isUnderWay || waiting.length === 0) return;
  isUnderWay = true;
  const batch = waiting.splice(0, FLOOR_BATCH);
  await socket.send(batch.map(({ message }) => message));
  isUnderWay = false;
  for (const { resolve } of batch) resolve();
  void flush();
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
  await send(id, body);
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
