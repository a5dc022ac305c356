#!/usr/bin/env bash
# Tests the running scenario from outside, with curl, etcdctl and docker compose alone. Needs
# `docker compose up -d` and `bash seed_etcd.sh` before; leaves everything as it was found.
#
# Prints PASS or FAIL for each check, and the totals. The exit status is 0 only if all checks passed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# How long a condition may take to come true, in seconds.
TIME_LIMIT=60

passed=0
failed=0
# What the last condition saw, for the message of a check that failed.
seen=''
# What `posts` sends.
body='{"event":"test"}'
receiver=http://$(docker compose port receiver 8000)
scratch=$(mktemp -d)

check() { # check DESCRIPTION CONDITION [ARGUMENT]...
  local description=$1 deadline=$((SECONDS + TIME_LIMIT))
  shift
  until "$@"; do
    if ((SECONDS >= deadline)); then
      printf 'FAIL  %s\n      %s\n' "$description" "${seen//$'\n'/ }"
      failed=$((failed + 1))
      return
    fi
    sleep 0.1
  done
  printf 'PASS  %s\n' "$description"
  passed=$((passed + 1))
}

# Conditions.

gets() { # gets STATUS PATH TEXT: GET is answered so, with this text in the body
  seen=$(curl --silent --max-time 5 --write-out '\n%{http_code}' "$receiver$2" || true)
  [[ $seen == *"$3"*$'\n'"$1" ]]
}

posts() { # posts STATUS PATH [CURL_OPTION]...: a webhook is answered so
  local status=$1 path=$2
  shift 2
  seen=$(curl --silent --max-time 5 --write-out '\n%{http_code}' --data "$body" "$@" "$receiver$path" || true)
  [[ $seen == *$'\n'"$status" ]]
}

logged() { # logged TEXT...: one line of the receiver's log holds all of these texts
  local lines text
  lines=$(docker compose logs --no-log-prefix receiver)
  for text in "$@"; do lines=$(grep --fixed-strings -- "$text" <<<"$lines" || true); done
  seen="no line of the log holds $*"
  [[ -n $lines ]]
}

is_healthy() { # is_healthy SERVICE
  seen=$(docker inspect --format '{{.State.Health.Status}}' "$(docker compose ps --all --quiet "$1")")
  [[ $seen == healthy ]]
}

no_failures() { # no_failures FILE
  seen="answers other than 200: $(sort "$1" | uniq -c | tr '\n' ' ')"
  [[ ! -s $1 ]]
}

# Steps.

etcdctl() {
  docker compose exec -T etcd etcdctl "$@" >/dev/null
}

quietly() {
  "$@" >"$scratch/output" 2>&1 || { cat "$scratch/output" >&2; return 1; }
}

# Sends one webhook after the other and notes every answer that is not 200, until `stop_sending`.
start_sending() { # start_sending PATH
  : >"$scratch/failures"
  touch "$scratch/sending"
  while [[ -e $scratch/sending ]]; do
    posts 200 "$1" || printf '%s\n' "${seen##*$'\n'}" >>"$scratch/failures"
    sleep 0.05
  done &
  sender=$!
}

stop_sending() {
  rm -f "$scratch/sending"
  wait "$sender"
}

# Whatever happened, etcd runs again and holds what the seed wrote.
clean_up() {
  rm -f "$scratch/sending"
  quietly docker compose up --detach --wait --no-recreate --no-build etcd || true
  etcdctl del --prefix /cwm/test- || true
  rm -rf "$scratch"
}

trap clean_up EXIT

echo '== Start'
check 'the receiver is ready' gets 200 /readyz '"configuration":"loaded"'
check "the image's health check says healthy" is_healthy receiver
check '/health shows etcd' gets 200 /health '"etcd":"healthy"'
check 'the seed is served (run seed_etcd.sh first)' posts 200 /webhook/default/fallback
((failed == 0)) || exit 1 # Nothing else could pass, and each check would take its time to fail.

echo '== Namespaced routes'
check 'production/github_events takes a webhook' posts 200 /webhook/production/github_events
check 'team-a/orders takes a webhook' posts 200 /webhook/team-a/orders
check 'team-b/analytics takes a webhook' posts 200 /webhook/team-b/analytics
check 'team-b/orders asks for the credentials of team-b' posts 401 /webhook/team-b/orders
check 'team-b/orders takes a webhook with them' \
  posts 200 /webhook/team-b/orders --header 'Authorization: Bearer secret-of-team-b'
check 'a webhook of team-a is not in team-b' posts 404 /webhook/team-b/payments
check 'a webhook of team-b is not in team-a' posts 404 /webhook/team-a/analytics
check 'a namespace that nobody made has no webhooks' posts 404 /webhook/nobody/orders
check 'a namespace that is not valid is refused' posts 400 /webhook/team.a/orders

echo '== Route without a namespace'
check '/webhook/fallback is answered by the default namespace' posts 200 /webhook/fallback
check '/webhook/orders does not reach the teams' posts 404 /webhook/orders

echo '== Events in the log'
order="order-$RANDOM$RANDOM"
body="{\"id\":\"$order\"}"
check 'team-a/orders takes an event' posts 200 /webhook/team-a/orders
check 'the event is in docker compose logs' logged "$order" '"namespace":"team-a"' '"webhook":"orders"'

echo '== Live changes'
check 'before: test-a/live does not exist' posts 404 /webhook/test-a/live
etcdctl put /cwm/test-a/webhooks/live '{"module":"log"}'
check 'added with etcdctl put: test-a/live takes a webhook' posts 200 /webhook/test-a/live
check 'test-b/live does not exist' posts 404 /webhook/test-b/live
etcdctl put /cwm/test-b/webhooks/live '{"module":"log"}'
check 'added: test-b/live takes a webhook' posts 200 /webhook/test-b/live
etcdctl put /cwm/test-a/webhooks/live '{"module":"log","authorization":"Bearer secret"}'
check 'changed with etcdctl put: test-a/live asks for credentials' posts 401 /webhook/test-a/live
etcdctl del /cwm/test-a/webhooks/live
check 'deleted with etcdctl del: test-a/live is gone' posts 404 /webhook/test-a/live
check 'test-b/live stays' posts 200 /webhook/test-b/live

echo '== etcd stops'
start_sending /webhook/team-a/orders
quietly docker compose stop etcd
check '/health shows it, and the receiver stays healthy' \
  gets 200 /health '"status":"healthy","components":{"config_manager":"healthy","etcd":"disconnected"}'
check 'the receiver stays ready' gets 200 /readyz '"status":"ready"'
check 'webhooks of all namespaces are taken' posts 200 /webhook/production/github_events
check 'credentials are still asked for' posts 401 /webhook/team-b/orders

echo '== etcd starts again'
quietly docker compose start etcd
check 'etcd is healthy' is_healthy etcd
etcdctl put /cwm/test-a/webhooks/back '{"module":"log"}'
check '/health shows etcd again' gets 200 /health '"etcd":"healthy"'
stop_sending
check 'every webhook sent meanwhile got 200' no_failures "$scratch/failures"
check 'added with etcdctl put: test-a/back takes a webhook' posts 200 /webhook/test-a/back
etcdctl del /cwm/test-b/webhooks/live
check 'deleted with etcdctl del: test-b/live is gone' posts 404 /webhook/test-b/live

echo '== The receiver restarts while etcd is away'
quietly docker compose stop etcd
check '/health shows that etcd is away' gets 200 /health '"etcd":"disconnected"'
quietly docker compose restart receiver
check 'the receiver is ready, and degraded' gets 200 /readyz '"configuration":"degraded"'
check 'it serves the last state of etcd: test-a/back takes a webhook' posts 200 /webhook/test-a/back
check 'it serves the last state of etcd: test-b/live is gone' posts 404 /webhook/test-b/live
check 'credentials are still asked for' posts 401 /webhook/team-b/orders
quietly docker compose start etcd
check 'etcd is healthy' is_healthy etcd
check 'the receiver is no longer degraded' gets 200 /readyz '"configuration":"loaded"'
etcdctl del /cwm/test-a/webhooks/back
check 'deleted with etcdctl del: test-a/back is gone' posts 404 /webhook/test-a/back

printf '\n%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
