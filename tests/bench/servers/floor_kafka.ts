// The least program that makes records out of requests with the same client, in the same batches, and answers
// when the brokers have them: what arrives while one batch is under way makes the next.
// Usage: floor_kafka.ts PORT BROKERS TOPIC
import { setImmediate as turn } from "node:timers/promises";
import { openFloorProducer, recordOfTheFloor } from "../kafka_floor.ts";

const [port, brokers = "", topic = ""] = Deno.args;
const BATCH = 500;
const decoder = new TextDecoder();
const producer = await openFloorProducer(brokers);

interface Waiting {
  readonly record: ReturnType<typeof recordOfTheFloor>;
  readonly resolve: () => void;
}

const waiting: Waiting[] = [];
let running = false;
let count = 0;

function send(record: Waiting["record"]): Promise<void> {
  return new Promise((resolve) => {
    waiting.push({ record, resolve });
    if (!running) run();
  });
}

async function run(): Promise<void> {
  running = true;
  for (await turn(); waiting.length > 0; await turn()) {
    const batch = waiting.splice(0, BATCH);
    await producer.send({ topic, acks: -1, messages: batch.map(({ record }) => record) });
    for (const { resolve } of batch) resolve();
  }
  running = false;
}

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const body = await request.bytes();
  JSON.parse(decoder.decode(body));
  const id = `event-of-the-floor-${count++}`;
  await send(recordOfTheFloor(id, body, request.headers.get("content-type") ?? ""));
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
