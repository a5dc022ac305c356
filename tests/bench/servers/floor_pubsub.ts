// The least program that makes messages of Pub/Sub out of requests: it parses a body, publishes it together with those
// that came meanwhile, and answers when it has its id. Usage: floor_pubsub.ts PORT SERVER_PORT TOPIC
import { FloorPublisher, messageOfTheFloor } from "../pubsub_floor.ts";

const [port, server, topic = ""] = Deno.args;
const decoder = new TextDecoder();
const publisher = new FloorPublisher(Number(server), topic);
let count = 0;

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const body = await request.bytes();
  JSON.parse(decoder.decode(body));
  const id = `event-of-the-floor-${count++}`;
  await publisher.publish(messageOfTheFloor(id, body, request.headers.get("content-type") ?? ""));
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
