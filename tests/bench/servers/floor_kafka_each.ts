// What one writes first: a server that hands each request to the client library by itself, and answers when the
// brokers have it. Usage: floor_kafka_each.ts PORT BROKERS TOPIC
import { openFloorProducer, recordOfTheFloor } from "../kafka_floor.ts";

const [port, brokers = "", topic = ""] = Deno.args;
const decoder = new TextDecoder();
const producer = await openFloorProducer(brokers);
let count = 0;

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const body = await request.bytes();
  JSON.parse(decoder.decode(body));
  const id = `event-of-the-floor-${count++}`;
  const record = recordOfTheFloor(id, body, request.headers.get("content-type") ?? "");
  await producer.send({ topic, acks: -1, messages: [record] });
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
