// The least program that makes confirmed messages of STOMP out of requests with the same client: it parses a body, sends
// it, and answers when the broker has confirmed it. Usage: floor_activemq.ts PORT BROKER_PORT DESTINATION
import { openFloorClient } from "../activemq_floor.ts";

const [port, broker, destination = ""] = Deno.args;
const client = await openFloorClient(Number(broker));
let count = 0;

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const body = await request.text();
  JSON.parse(body);
  const id = `event-of-the-floor-${count++}`;
  await client.send(destination, id, body, request.headers.get("content-type") ?? "");
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
