/**
 * The floor of the relay, cloud side: takes JSON bodies, keeps them in memory, sends them over one WebSocket,
 * and forgets them when they are acknowledged.
 *
 *     deno run floor_relay_gateway.ts PORT
 */

const unacknowledged = new Map<number, string>();
let socket: WebSocket | undefined;
let next = 0;

function send(id: number, body: string): void {
  socket?.send(JSON.stringify({ id, body }));
}

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen: () => {} }, async (request) => {
  if (request.headers.get("upgrade") === "websocket") {
    const { socket: opened, response } = Deno.upgradeWebSocket(request);
    opened.onopen = () => {
      socket = opened;
      for (const [id, body] of unacknowledged) send(id, body);
    };
    opened.onmessage = ({ data }) => unacknowledged.delete(JSON.parse(data).id);
    return response;
  }
  const body = await request.text();
  JSON.parse(body);
  const id = next++;
  unacknowledged.set(id, body);
  send(id, body);
  return Response.json({ id });
});
