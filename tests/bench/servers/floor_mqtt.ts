// The least program that makes messages of MQTT out of requests with the same client: it parses a body, publishes it,
// and answers when the broker has confirmed it. Usage: floor_mqtt.ts PORT BROKER_PORT TOPIC
import { openFloorClient, publishOfTheFloor } from "../mqtt_floor.ts";

const [port, broker, topic = ""] = Deno.args;
const decoder = new TextDecoder();
const client = await openFloorClient(Number(broker));
let count = 0;

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const body = await request.bytes();
  JSON.parse(decoder.decode(body));
  const id = `event-of-the-floor-${count++}`;
  await publishOfTheFloor(client, topic, id, body, request.headers.get("content-type") ?? "");
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
