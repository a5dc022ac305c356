#!/usr/bin/env bash
# A row that each commit updates takes ever longer to find while any transaction is open, however short each commit is.
#
# Input: one row, updated 4,000 times, a commit each, while another connection has an open transaction that has read
# something, as a backup or a forgotten session has. The same with 4,000 row locks (`for key share`) in their place.
# Expected: a look-up by the primary key reads the page of the index and the page of the row.
# Seen with PostgreSQL 15: after the updates it reads some ten times as many pages, since every version of the row has to
# be kept for the open transaction and is looked at; after the locks it reads two.
# What helps: who wants a commit to fail when a row is gone locks the row, and does not update it.
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
server --log log --wait -o "$settings -c synchronous_commit=off -c autovacuum=off" start

cat > client.mjs <<'PROGRAM'
import pg from "pg";

async function connect() {
  const client = new pg.Client({ host: process.argv[2], user: "postgres", database: "postgres" });
  await client.connect();
  return client;
}

const client = await connect();
const open = await connect();

async function pagesAfter(statement) {
  await client.query("create table gateway (id int primary key, beats int)");
  await client.query("insert into gateway values (1, 0)");
  await open.query("begin isolation level repeatable read");
  await open.query("select count(*) from pg_class");
  for (let count = 0; count < 4_000; count++) await client.query({ name: statement, text: statement });
  await client.query("set enable_seqscan = off");
  const { rows } = await client.query(`explain (analyze, buffers, format json) select beats from gateway where id = 1`);
  const plan = rows[0]["QUERY PLAN"][0].Plan;
  await open.query("commit");
  await client.query("drop table gateway");
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

const updated = await pagesAfter("update gateway set beats = beats + 1 where id = 1");
const locked = await pagesAfter("select 1 from gateway where id = 1 for key share");
console.error(`pages of a look-up: ${updated} after updates, ${locked} after locks`);
console.log("after updates:", updated > 10 ? "over 10 pages" : `${updated} pages`);
console.log("after locks:", locked, "pages");
await client.end();
await open.end();
PROGRAM

seen=$(node client.mjs "$folder")
printf '%s\n%s\n' "$("$programs/postgres" --version), pg 8.23.1" "$seen"
expected='after updates: over 10 pages
after locks: 2 pages'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with PostgreSQL 15 and pg 8.23.1"
  exit 1
fi
echo "AS SEEN"
