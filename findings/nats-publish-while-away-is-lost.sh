#!/usr/bin/env bash
# What the NATS client for JavaScript publishes while the server is away is thrown away, and publish() says nothing.
#
# Input: @nats-io/transport-node with its defaults, which reconnect. The server is killed; publish() is called; the server
# comes back on the same port, and another message is published. A subscriber of the same connection counts.
# Expected: an error, or the message once the connection is back.
# Seen with 3.4.0 and nats-server 2.9.10: publish() returns, flush() resolves after the reconnect, and only the message
# that was published then arrives.
# What helps: no reconnecting by the client, and a confirmation of each message.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . @nats-io/transport-node@3.4.0 >/dev/null

cat > client.mjs <<'PROGRAM'
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import { connect } from "@nats-io/transport-node";

const probe = createServer().listen(0, "127.0.0.1");
await once(probe, "listening");
const { port } = probe.address();
probe.close();

async function start() {
  const server = spawn("nats-server", ["-a", "127.0.0.1", "-p", `${port}`], { stdio: ["ignore", "ignore", "pipe"] });
  for await (const line of server.stderr) if (`${line}`.includes("Server is ready")) break;
  return server;
}

let server = await start();
const connection = await connect({ servers: `127.0.0.1:${port}`, reconnectTimeWait: 100, reconnectJitter: 0 });
const heard = [];
connection.subscribe("news", { callback: (_error, message) => heard.push(message.string()) });
await connection.flush();
const back = new Promise((resolve) => {
  void (async () => {
    for await (const { type } of connection.status()) if (type === "reconnect") resolve();
  })();
});
const away = new Promise((resolve) => {
  void (async () => {
    for await (const { type } of connection.status()) if (type === "disconnect") resolve();
  })();
});
server.kill("SIGKILL");
await away;
connection.publish("news", "while away");
console.log("publish() while the server is away: returns");
server = await start();
await back;
connection.publish("news", "after");
await connection.flush();
console.log(`arrived: ${heard.join(", ")}`);
await connection.close();
server.kill("SIGKILL");
PROGRAM

seen=$(timeout 60 node client.mjs)
printf '%s\n%s\n' "$(nats-server --version), @nats-io/transport-node 3.4.0" "$seen"
expected='publish() while the server is away: returns
arrived: after'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with nats-server 2.9.10 and @nats-io/transport-node 3.4.0"
  exit 1
fi
echo "AS SEEN"
