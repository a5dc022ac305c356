#!/usr/bin/env bash
# Who reads rows with a number above the last one that he has read misses rows for ever.
#
# Input: a table whose key is `generated always as identity`. Two clients insert a row each, in transactions; the second
# commits first. A reader asks for rows above the last number that he has seen, before and after the other commit.
# Expected by who reads so: each row comes, since numbers grow.
# Seen with PostgreSQL 15: numbers are given when a row is inserted, and rows are seen when their transactions
# commit. The row with the lower number is seen after the reader has passed it, and never read.
# What helps: to read what is there, and to delete or mark what is done.
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
  await client.connect();
  return client;
}

const early = await connect();
const late = await connect();
const reader = await connect();
await reader.query("create table line (seq bigint generated always as identity, text text)");
let last = "0";
async function read(when) {
  const { rows } = await reader.query("select seq, text from line where seq > $1 order by seq", [last]);
  last = rows.at(-1)?.seq ?? last;
  console.log(`${when}:`, rows.map(({ seq, text }) => `${seq} ${text}`).join(", ") || "nothing");
}

await late.query("begin");
await late.query("insert into line (text) values ($1)", ["inserted first"]);
await early.query("insert into line (text) values ($1)", ["inserted second"]);
await read("before the other commit");
await late.query("commit");
await read("after it");
console.log("in the table:", (await reader.query("select * from line")).rowCount);
for (const client of [early, late, reader]) await client.end();
PROGRAM

seen=$(node client.mjs "$folder")
printf '%s\n%s\n' "$("$programs/postgres" --version), pg 8.23.1" "$seen"
expected='before the other commit: 2 inserted second
after it: nothing
in the table: 2'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with PostgreSQL 15 and pg 8.23.1"
  exit 1
fi
echo "AS SEEN"
