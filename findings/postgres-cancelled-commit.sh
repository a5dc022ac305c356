#!/usr/bin/env bash
# A commit whose wait for the synchronous standby is cancelled succeeds for npm pg: only a notice says that it is none.
#
# Input: a server with synchronous_standby_names, whose standby is away. A client inserts a row, which waits; somebody
# cancels the statement with pg_cancel_backend(), as a time-out of a client does. The same again with statement_timeout.
# Expected: the insert fails, since it is not on the standby and may be lost with the primary.
# Seen with PostgreSQL 15 and pg 8.23.1: the insert resolves, as if all were well. The
# server sends a warning with SQLSTATE 01000, which comes as a notice and belongs to no statement, and the row can be
# seen by all. statement_timeout does not end the wait at all.
# What helps: never cancel a commit, and take an answer with a notice of class 01 beside it for none.
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
server --log log --wait -o "$settings -c synchronous_standby_names=away" start

cat > client.mjs <<'PROGRAM'
import pg from "pg";

async function connect() {
  const client = new pg.Client({ host: process.argv[2], user: "postgres", database: "postgres" });
  client.on("error", () => {});
  client.on("notice", ({ code, message }) => console.log(`notice ${code}: ${message}`));
  await client.connect();
  return client;
}
const pidOf = async (client) => (await client.query("select pg_backend_pid() as pid")).rows[0].pid;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const client = await connect();
const other = await connect();
await other.query("set synchronous_commit = off");
await other.query("create table event (id int primary key)");
const pid = await pidOf(client);
const isWaiting = async () =>
  (await other.query("select 1 from pg_stat_activity where pid = $1 and wait_event = $2", [pid, "SyncRep"])).rowCount === 1;

await client.query("set statement_timeout = 500");
let ended = false;
const inserted = client.query("insert into event values (1)").finally(() => ended = true);
while (!await isWaiting()) await pause(20);
await pause(1500);
console.log("after three times its statement_timeout the insert", ended ? "has ended" : "still waits");
await other.query("select pg_cancel_backend($1)", [pid]);
console.log("the insert resolved with rows:", (await inserted).rowCount);
console.log("rows that others see:", (await other.query("select * from event")).rowCount);
await client.end();
await other.end();
PROGRAM

seen=$(node client.mjs "$folder")
printf '%s\n%s\n' "$("$programs/postgres" --version), pg 8.23.1" "$seen"
expected='after three times its statement_timeout the insert still waits
notice 01000: canceling wait for synchronous replication due to user request
the insert resolved with rows: 1
rows that others see: 1'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with PostgreSQL 15 and pg 8.23.1"
  exit 1
fi
echo "AS SEEN"
