// The least program that makes messages of NATS out of requests with the same client: it parses a body, publishes it,
// and answers when the stream has confirmed it. Usage: floor_nats.ts PORT SERVER_PORT SUBJECT
import { openFloorClient, publishOfTheFloor } from "../nats_floor.ts";

const [port, server, subject = ""] = Deno.args;
const decoder = new TextDecoder();
const client = await openFloorClient(Number(server));
let count = 0;

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const body = await request.bytes();
  JSON.parse(decoder.decode(body));
  const id = `event-of-the-floor-${count++}`;
  await publishOfTheFloor(client, subject, id, body, request.headers.get("content-type") ?? "");
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
