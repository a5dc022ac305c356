// The least program that makes messages of ZeroMQ out of requests: it parses a body, sends it, and answers when the peer
// has answered. Usage: floor_zeromq.ts PORT PEER_PORT
import { FloorDealer } from "../zeromq_floor.ts";

const [port, peer] = Deno.args;
const decoder = new TextDecoder();
const dealer = await FloorDealer.open(Number(peer));
let count = 0;

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const body = await request.bytes();
  JSON.parse(decoder.decode(body));
  const id = `event-of-the-floor-${count++}`;
  await dealer.send(id, body);
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
