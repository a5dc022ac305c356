#!/usr/bin/env bash
# A repeated insert that finds its row does not wait for the synchronous standby, which may not have that row.
#
# Input: a server with synchronous_standby_names, whose standby is away. An insert waits for it; its connection is lost
# (here: the server ends it). The client repeats it on another connection, with `on conflict do nothing`.
# Expected: the repeat waits as the first one did, since its answer promises the same.
# Seen with PostgreSQL 15: the row is there on the primary. The repeat has nothing to write, so it has nothing
# to wait for, and is answered at once and without a notice. When the primary is lost, the row is lost with it.
# What helps: a statement that writes something whatever it finds. A row lock is enough: `for key share` of another row
# makes the same repeat wait.
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

const first = await connect();
const second = await connect();
const other = await connect();
await other.query("set synchronous_commit = off");
await other.query("create table event (id int primary key)");
await other.query("create table owner (id int primary key)");
await other.query("insert into owner values (1)");
const waits = async (client) => {
  const pid = await pidOf(client);
  return async () => {
    const { rows } = await other.query("select state, wait_event from pg_stat_activity where pid = $1", [pid]);
    return rows[0]?.wait_event === "SyncRep";
  };
};
const firstWaits = await waits(first);
const secondWaits = await waits(second);
const pid = await pidOf(first);
const insert = "insert into event values (1) on conflict do nothing";

const lost = first.query(insert).catch(() => {});
while (!await firstWaits()) await pause(20);
console.log("the insert waits for the standby");
await other.query("select pg_terminate_backend($1)", [pid]);
await lost;
console.log("the repeat is answered, with rows:", (await second.query(insert)).rowCount);
second.query(`with me as materialized (select id from owner for key share)
  insert into event select id from me on conflict do nothing`).catch(() => {});
while (!await secondWaits()) await pause(20);
console.log("the repeat with a row lock waits for the standby");
second.connection.stream.destroy();
await other.end();
PROGRAM

seen=$(node client.mjs "$folder")
printf '%s\n%s\n' "$("$programs/postgres" --version), pg 8.23.1" "$seen"
expected='the insert waits for the standby
notice 57P01: canceling the wait for synchronous replication and terminating connection due to administrator command
the repeat is answered, with rows: 0
the repeat with a row lock waits for the standby'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with PostgreSQL 15 and pg 8.23.1"
  exit 1
fi
echo "AS SEEN"
