#!/usr/bin/env bash
# A stream of NATS takes a message for a repeat by its id alone, whatever its subject and body.
#
# Input: a JetStream stream of two subjects. One message id is published to the first subject, then with another body to
# the second one.
# Expected: an id names a message among those of its subject, as a key does elsewhere; or a second body is an error.
# Seen with nats-server 2.9.10 and @nats-io/jetstream 3.4.0: the second is confirmed like any other, with
# "duplicate": true, and is not stored.
# What helps: ids that say where the message goes, as well as what it is of.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . @nats-io/transport-node@3.4.0 @nats-io/jetstream@3.4.0 >/dev/null
# A port that is free for now.
port=$(node -e 'const s = require("net").createServer().listen(0, () => { console.log(s.address().port); s.close(); })')
nats-server -a 127.0.0.1 -p "$port" -js -sd "$folder/data" -l log &
server=$!
trap 'kill $server || true; rm -rf "$folder"' EXIT
until grep -q "Server is ready" log 2>/dev/null; do sleep 0.05; done

cat > client.mjs <<'PROGRAM'
import { connect } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";

const connection = await connect({ servers: `127.0.0.1:${process.argv[2]}` });
const manager = await jetstreamManager(connection);
await manager.streams.add({ name: "S", subjects: ["a", "b"] });
for (const [subject, body] of [["a", "first"], ["b", "second"]]) {
  const { duplicate } = await jetstream(connection).publish(subject, body, { msgID: "one" });
  console.log(`${subject}: confirmed, duplicate ${duplicate}`);
}
const { state } = await manager.streams.info("S");
console.log(`stored: ${state.messages}`);
await connection.close();
PROGRAM

seen=$(node client.mjs "$port")
printf '%s\n%s\n' "$(nats-server --version), @nats-io/jetstream 3.4.0" "$seen"
expected='a: confirmed, duplicate false
b: confirmed, duplicate true
stored: 1'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with nats-server 2.9.10 and @nats-io/jetstream 3.4.0"
  exit 1
fi
echo "AS SEEN"
