#!/usr/bin/env bash
# PostgreSQL runs a statement whose client has given it up, and so undoes what others did meanwhile.
#
# Input: a client sends an insert with `on conflict do nothing`, the form that is said to be safe to repeat. The server
# process of its connection is starved (stopped by a signal), as it may be on a busy machine. The client gives up,
# closes its connection, repeats the insert on a second one, where it succeeds, and then deletes the row, since it is
# done with it. The starved process goes on.
# Expected by who repeats: a statement of a connection that is closed does nothing any more, or nothing new.
# Seen with PostgreSQL 15: the process reads the insert from the buffer of its socket, finds no conflict, since
# the row is gone again, and commits it. The row is back. What was delivered once comes a second time.
# What helps: a row that the repeat changes first, and that each such insert asks for (a number of the session), so that
# the late one finds another number and inserts nothing.
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

async function connect() {
  const client = new pg.Client({ host: process.argv[2], user: "postgres", database: "postgres" });
  client.on("error", () => {});
  await client.connect();
  return client;
}
const pidOf = async (client) => (await client.query("select pg_backend_pid() as pid")).rows[0].pid;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const first = await connect();
const second = await connect();
await second.query("create table job (id int primary key)");
const insert = "insert into job values (1) on conflict do nothing";
const rows = async () => (await second.query("select * from job")).rowCount;

const starved = await pidOf(first);
process.kill(starved, "SIGSTOP");
first.query(insert).catch(() => {});
await pause(200);
first.connection.stream.destroy();
await second.query(insert);
console.log("rows after the repeat:", await rows());
await second.query("delete from job");
console.log("rows after the deletion:", await rows());
process.kill(starved, "SIGCONT");
while (await rows() === 0) await pause(20);
console.log("rows after the first insert ran:", await rows());
await second.end();
PROGRAM

seen=$(node client.mjs "$folder")
printf '%s\n%s\n' "$("$programs/postgres" --version), pg 8.23.1" "$seen"
expected='rows after the repeat: 1
rows after the deletion: 0
rows after the first insert ran: 1'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with PostgreSQL 15 and pg 8.23.1"
  exit 1
fi
echo "AS SEEN"
