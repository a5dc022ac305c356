#!/usr/bin/env bash
# MariaDB in its strictest mode still stores other values than it was given, without an error.
#
# Input: sql_mode with STRICT_ALL_TABLES; the text 1.5 for a column int, the text 1 for one of enum('a','b'), and a text
# of three letters and two spaces for one of varchar(3).
# Expected: an error for each, as for the texts x, c and abcd.
# Seen with 10.11: 2, a, and the text without its spaces.
# What helps: looking at such values before they are sent.
set -euo pipefail

folder=$(mktemp -d)
as_server=()
if [ "$(id -u)" = 0 ]; then
  chown mysql "$folder"
  as_server=(--user=mysql)
fi
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || true; }; rm -rf "$folder"' EXIT
mariadb-install-db --no-defaults "${as_server[@]}" --datadir="$folder/data" \
  --auth-root-authentication-method=normal --skip-test-db --innodb-log-file-size=8M >/dev/null
# Reached by a socket in this folder, so that no port has to be free.
mariadbd --no-defaults "${as_server[@]}" --datadir="$folder/data" --socket="$folder/socket" \
  --pid-file="$folder/pid" --skip-networking --skip-log-bin --innodb-log-file-size=8M >"$folder/log" 2>&1 &
server=$!
sql() { mariadb --no-defaults --socket="$folder/socket" --user=root --batch --skip-column-names --execute="$1"; }
until sql "select 1" >/dev/null 2>&1; do sleep 0.1; done

seen=$(sql "create database d; use d; set sql_mode = 'STRICT_ALL_TABLES';
  create table t (i int, e enum('a','b'), v varchar(3));
  insert into t (i) values ('1.5'); select i from t;
  insert into t (e) values ('1'); select e from t where e is not null;
  insert into t (v) values ('abc  '); select length(v) from t where v is not null;")
for column in i:x e:c v:abcd; do
  value=${column#*:}
  ! sql "set sql_mode = 'STRICT_ALL_TABLES'; insert into d.t (${column%:*}) values ('$value')" 2>/dev/null ||
    seen="$seen"$'\n'"$value was taken"
done
printf '%s\n%s\n' "$(mariadbd --version)" "$seen"
expected='2
a
3'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with 10.11"
  exit 1
fi
echo "AS SEEN"
