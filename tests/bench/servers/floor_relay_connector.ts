/**
 * The floor of the relay, private side: posts what comes over the WebSocket to a target with its headers, for each of
 * 16 lanes one after the other, and acknowledges it.
 *
 *     deno run floor_relay_connector.ts GATEWAY_PORT TARGET_URL
 */

/** What concerned the sender's connection only. */
const CONNECTION_HEADERS = new Set(["host", "connection", "content-length", "accept-encoding"]);

const [port, target = ""] = Deno.args;
const lanes = new Map<number, Promise<void>>();

interface Message {
  readonly id: number;
  readonly headers: string;
  readonly body: string;
}

const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data) as Message;
  const { lane } = JSON.parse(message.body) as { readonly lane: number };
  const before = lanes.get(lane) ?? Promise.resolve();
  lanes.set(lane, before.then(() => deliver(message)));
};

async function deliver({ id, headers, body }: Message): Promise<void> {
  const pairs = JSON.parse(headers) as [string, string][];
  const passed = pairs.filter(([name]) => !CONNECTION_HEADERS.has(name));
  const response = await fetch(target, { method: "POST", headers: passed, body });
  await response.body?.cancel();
  socket.send(JSON.stringify({ id }));
}
