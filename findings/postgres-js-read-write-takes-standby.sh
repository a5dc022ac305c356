#!/usr/bin/env bash
# postgres.js takes a standby for a server that can be written to: target_session_attrs=read-write does not keep it off.
#
# Input: a primary and a standby. postgres.js 3.4.9 with both as hosts, the standby first, and
# target_session_attrs: "read-write"; then "primary".
# Expected (libpq, "target_session_attrs": read-write is a session that is not read-only, which a standby's is): it goes
# on to the primary.
# Seen with postgres.js 3.4.9: it stays at the standby, and each insert fails with 25006. With "primary" it goes on.
# What helps: "primary"; or to ask `pg_is_in_recovery()` after each connect.
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
npm install --silent --no-audit --no-fund --prefix . postgres@3.4.9 >/dev/null
"${as_server[@]}" "$programs/initdb" --pgdata data --username postgres --auth trust --no-sync >/dev/null
read -r primary other <<<"$(node -e '
  const servers = [0, 0].map(() => require("node:net").createServer().listen(0, "127.0.0.1"));
  setTimeout(() => { console.log(...servers.map((server) => server.address().port)); process.exit(); }, 100);
')"
settings="-c listen_addresses=127.0.0.1 -c unix_socket_directories="
server --log log --wait -o "$settings -p $primary" start
"${as_server[@]}" "$programs/pg_basebackup" --pgdata standby --host 127.0.0.1 --port "$primary" --username postgres \
  --checkpoint fast --no-sync --write-recovery-conf
standby() { "${as_server[@]}" "$programs/pg_ctl" --pgdata "$folder/standby" --silent "$@"; }
trap 'standby --mode immediate stop || true; server --mode immediate stop || true; rm -rf "$folder"' EXIT
standby --log standby.log --wait -o "$settings -p $other" start

cat > client.mjs <<'PROGRAM'
import postgres from "postgres";

const [primary, standby] = process.argv.slice(2).map(Number);

async function insert(attributes) {
  const sql = postgres({
    host: ["127.0.0.1", "127.0.0.1"],
    port: [standby, primary],
    user: "postgres",
    database: "postgres",
    target_session_attrs: attributes,
    max: 1,
    onnotice: () => {},
  });
  try {
    await sql`create table if not exists event (id int)`;
    await sql`insert into event values (1)`;
    console.log(`${attributes}: the insert was made`);
  } catch (error) {
    console.log(`${attributes}: ${error.code}, ${error.message}`);
  }
  await sql.end({ timeout: 1 });
}

await insert("read-write");
await insert("primary");
PROGRAM

seen=$(node client.mjs "$primary" "$other")
printf '%s\n%s\n' "$("$programs/postgres" --version), postgres.js 3.4.9" "$seen"
expected='read-write: 25006, cannot execute CREATE TABLE in a read-only transaction
primary: the insert was made'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with PostgreSQL 15 and postgres.js 3.4.9"
  exit 1
fi
echo "AS SEEN"
