#!/usr/bin/env bash
# LISTEN through PgBouncer in transaction mode succeeds, and no notification ever comes.
#
# Input: npm pg connected to PgBouncer with pool_mode = transaction. LISTEN on one connection, NOTIFY on another one; the
# same without PgBouncer.
# Expected (PgBouncer, "Features": LISTEN is not supported in this mode): an error.
# Seen with PgBouncer 1.18 and PostgreSQL 15: LISTEN resolves, since the server's connection that happened to run it
# listens, and the client that asked for it hears nothing.
# What helps: a notification to oneself after LISTEN; whoever does not hear it has to ask from time to time.
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

printf '%s\n' '[databases]' "* = host=$folder user=postgres" '[pgbouncer]' 'listen_addr =' "unix_socket_dir = $folder/pool" 'auth_type = any' \
  'pool_mode = transaction' > pgbouncer.ini
mkdir pool
[ "$(id -u)" != 0 ] || chown postgres pool
"${as_server[@]}" pgbouncer --quiet pgbouncer.ini 2>/dev/null &
pooler=$!
trap 'kill $pooler || true; server --mode immediate stop || true; rm -rf "$folder"' EXIT

cat > client.mjs <<'PROGRAM'
import pg from "pg";

async function connect(host, port) {
  const client = new pg.Client({ host, port, user: "postgres", database: "postgres" });
  await client.connect();
  return client;
}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function hears(host, port) {
  const listener = await connect(host, port);
  const sender = await connect(host, port);
  let heard = false;
  listener.on("notification", () => heard = true);
  await listener.query("listen news");
  for (let count = 0; count < 20 && !heard; count++) {
    await sender.query("notify news");
    await pause(50);
  }
  await listener.end();
  await sender.end();
  return heard ? "LISTEN resolved, and a notification came" : "LISTEN resolved, and nothing came";
}

console.log("the server itself:", await hears(process.argv[2], 5432));
console.log("through PgBouncer:", await hears(`${process.argv[2]}/pool`, 6432));
PROGRAM

seen=$(node client.mjs "$folder")
printf '%s\n%s\n' "$("$programs/postgres" --version), $(pgbouncer --version | head -n 1), pg 8.23.1" "$seen"
expected='the server itself: LISTEN resolved, and a notification came
through PgBouncer: LISTEN resolved, and nothing came'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with PostgreSQL 15, PgBouncer 1.18 and pg 8.23.1"
  exit 1
fi
echo "AS SEEN"
