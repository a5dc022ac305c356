/**
 * The floor of the relay, private side: posts what comes over the WebSocket to a target, for each of 16
 * lanes one after the other, and acknowledges it.
 *
 *     deno run floor_relay_connector.ts GATEWAY_PORT TARGET_URL
 */

const [port, target = ""] = Deno.args;
const lanes = new Map<number, Promise<void>>();

const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
socket.onmessage = ({ data }) => {
  const { id, body } = JSON.parse(data) as { readonly id: number; readonly body: string };
  const { lane } = JSON.parse(body) as { readonly lane: number };
  const before = lanes.get(lane) ?? Promise.resolve();
  lanes.set(lane, before.then(() => deliver(id, body)));
};

async function deliver(id: number, body: string): Promise<void> {
  const response = await fetch(target, { method: "POST", body });
  await response.body?.cancel();
  socket.send(JSON.stringify({ id }));
}
