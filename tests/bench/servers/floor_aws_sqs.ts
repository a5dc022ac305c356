// The least program that makes messages of SQS out of requests, in the same batches: it takes what has arrived in a turn
// of the event loop, or while eight batches are under way. It checks the signature of a request and parses its body, as
// the gateway does.
// Usage: floor_aws_sqs.ts PORT SQS_PORT QUEUE_URL SECRET
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { setImmediate } from "node:timers";
import { FLOOR_BATCH, FLOOR_BATCHES, FloorQueue } from "../aws_sqs_floor.ts";

const [port, sqsPort, queueUrl = "", secret = ""] = Deno.args;
const queue = new FloorQueue(Number(sqsPort), queueUrl);
const decoder = new TextDecoder();

interface Waiting {
  readonly message: readonly [id: string, body: string];
  readonly resolve: () => void;
}

const waiting: Waiting[] = [];
let underway = 0;
let count = 0;

function send(id: string, body: string): Promise<void> {
  return new Promise((resolve) => {
    waiting.push({ message: [id, body], resolve });
    if (waiting.length === 1) setImmediate(flush);
  });
}

function flush(): void {
  while (underway < FLOOR_BATCHES && waiting.length > 0) void sendBatch(waiting.splice(0, FLOOR_BATCH));
}

async function sendBatch(batch: readonly Waiting[]): Promise<void> {
  underway++;
  await queue.send(batch.map(({ message }) => message));
  underway--;
  for (const { resolve } of batch) resolve();
  flush();
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
