#!/usr/bin/env bash
# npm pg sends one Buffer as bytes, but an array of Buffers as text in hexadecimal: over twice as many bytes.
#
# Input: 1,000,000 bytes as one parameter of type bytea; and the same as an array of ten Buffers, of type bytea[].
# Expected: about 1,000,000 bytes on the wire, both times.
# Seen with pg 8.23.1: 1,000,000 and 2,000,000, and the server has to read the text. Nothing says so.
# What helps: a parameter each.
set -euo pipefail

folder=$(mktemp -d)
as_server=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder"
  as_server=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
server() { "${as_server[@]}" "$programs/pg_ctl" --pgdata "$folder/data" --silent "$@"; }
trap 'server --mode immediate stop || true; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . pg@8.23.1 >/dev/null
"${as_server[@]}" "$programs/initdb" --pgdata data --username postgres --auth trust --no-sync >/dev/null
# Reached by a socket in this folder, so that no port has to be free.
settings="-c listen_addresses= -c unix_socket_directories=$folder"
server --log log --wait -o "$settings" start

cat > client.mjs <<'PROGRAM'
import pg from "pg";

const client = new pg.Client({ host: process.argv[2], user: "postgres", database: "postgres" });
await client.connect();

async function millionsFor(what, type, value) {
  const before = client.connection.stream.bytesWritten;
  await client.query(`select $1::${type} is null`, [value]);
  const sent = client.connection.stream.bytesWritten - before;
  console.log(`${what}: ${(sent / 1e6).toFixed(1)} million bytes sent`);
}

await millionsFor("one buffer", "bytea", Buffer.alloc(1_000_000));
await millionsFor("ten buffers in an array", "bytea[]", Array.from({ length: 10 }, () => Buffer.alloc(100_000)));
await client.end();
PROGRAM

seen=$(node client.mjs "$folder")
printf '%s\n%s\n' "$("$programs/postgres" --version), pg 8.23.1" "$seen"
expected='one buffer: 1.0 million bytes sent
ten buffers in an array: 2.0 million bytes sent'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with pg 8.23.1"
  exit 1
fi
echo "AS SEEN"
