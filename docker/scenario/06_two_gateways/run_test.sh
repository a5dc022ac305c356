#!/usr/bin/env bash
# Breaks the running scenario while events are sent, and asks the ledger about every one of them, with curl and
# docker compose alone. Needs `docker compose up -d` before; leaves everything running, as it was found.
#
# Prints PASS or FAIL for each check, and the totals. The exit status is 0 only if all checks passed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# How long a condition may take to come true, in seconds.
TIME_LIMIT=${TIME_LIMIT:-120}
SENDERS=${SENDERS:-8}

passed=0
failed=0
# What the last condition saw, for the message of a check that failed.
seen=''
ledger=http://$(docker compose port ledger 9000)
nginx=http://$(docker compose port nginx 8080)
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

gets() { # gets STATUS URL TEXT: GET is answered so, with this text in the body
  seen=$(curl --silent --max-time 5 --write-out '\n%{http_code}' "$2" || true)
  [[ $seen == *"$3"*$'\n'"$1" ]]
}

is_healthy() { # is_healthy SERVICE
  seen=$(docker inspect --format '{{.State.Health.Status}}' "$(docker compose ps --all --quiet "$1")")
  [[ $seen == healthy ]]
}

report() { # report FIELD: a number of the ledger's report
  local text
  text=$(curl --silent --max-time 10 "$ledger/report")
  text=${text#*\""$1"\":}
  printf '%s' "${text%%[,\}]*}"
}

is() { # is FIELD NUMBER
  seen="$1 is $(report "$1")"
  [[ $seen == "$1 is $2" ]]
}

more_accepted_than() { # more_accepted_than NUMBER
  seen="accepted is $(report accepted)"
  ((${seen##* } > $1))
}

status_shows() { # status_shows NUMBER: `cwm journal status` shows so many gateways
  seen=$(docker compose exec -T cwm-1 deno run --node-modules-dir=manual --cached-only --allow-all \
    /app/src/main.ts journal status 2>&1 || true)
  (($(grep --count '^Gateway ' <<<"$seen") == $1))
}

# Steps.

quietly() {
  "$@" >"$scratch/output" 2>&1 || { cat "$scratch/output" >&2; return 1; }
}

ask() { # ask METHOD PATH: of the ledger
  curl --silent --show-error --fail --max-time 60 --output "$scratch/answer" --request "$1" "$ledger$2"
}

# Says that something is broken before and after it is, since the command takes its time.
breaks() { # breaks COMMAND...
  ask POST /faults
  quietly "$@"
  ask POST /faults
}

# So many events are sent and accepted from now on.
events() { # events NUMBER
  local before
  before=$(report accepted)
  check "$1 more events are accepted" more_accepted_than $((before + $1))
}

end_of_load() {
  ask DELETE /senders
  check 'every event that was accepted is delivered' is missing 0
}

# Whatever happened, everything runs again and nobody sends.
clean_up() {
  docker compose kill --signal SIGCONT cwm-1 >"$scratch/output" 2>&1 || true
  quietly docker compose up --detach --wait --no-recreate --no-build || true
  curl --silent --max-time 60 --output "$scratch/answer" --request DELETE "$ledger/senders" || true
  rm -rf "$scratch"
}

trap clean_up EXIT

echo '== Start'
for gateway in cwm-1 cwm-2; do check "$gateway is healthy" is_healthy "$gateway"; done
check 'nginx reaches a gateway' gets 200 "$nginx/readyz" '"status":"ready"'
check 'cwm journal status shows both gateways' status_shows 2
((failed == 0)) || exit 1 # Nothing else could pass, and each check would take its time to fail.

echo '== Both gateways take and deliver events'
ask POST "/senders?count=$SENDERS"
events 1000

for gateway in cwm-1 cwm-2; do
  other=$([[ $gateway == cwm-1 ]] && echo cwm-2 || echo cwm-1)
  echo "== $gateway is killed"
  breaks docker compose kill --signal SIGKILL "$gateway"
  # Every other attempt of nginx waits for two seconds then, since nobody answers at the address.
  events 100
  end_of_load
  check "$other is healthy" is_healthy "$other"
  ask POST "/senders?count=$SENDERS"
  quietly docker compose start "$gateway"
  check "$gateway is healthy again" is_healthy "$gateway"
  events 500
done

echo '== Both gateways are killed at once'
breaks docker compose kill --signal SIGKILL cwm-1 cwm-2
quietly docker compose start cwm-1 cwm-2
events 500

echo '== cwm-1 is frozen, and wakes when cwm-2 has taken over'
ask POST /faults
quietly docker compose kill --signal SIGSTOP cwm-1
ask POST /faults
# A frozen gateway still accepts connections: senders wait for ten seconds, and send again.
events 30
end_of_load
quietly docker compose kill --signal SIGCONT cwm-1
check 'cwm-1 is healthy again' is_healthy cwm-1
ask POST "/senders?count=$SENDERS"
events 500

echo '== PostgreSQL is killed, and comes back'
breaks docker compose kill --signal SIGKILL postgres
# How long it is away.
sleep 3
quietly docker compose start postgres
check 'postgres is healthy again' is_healthy postgres
events 500

echo '== The gateways are restarted, one after the other'
before=$(report accepted)
refused=$(curl --silent "$ledger/report" | sed 's/.*"refused":\({[^}]*}\).*/\1/')
for gateway in cwm-1 cwm-2; do
  quietly docker compose restart "$gateway"
  check "$gateway is healthy again" is_healthy "$gateway"
done
check 'events were accepted meanwhile' more_accepted_than "$before"
seen=$(curl --silent "$ledger/report" | sed 's/.*"refused":\({[^}]*}\).*/\1/')
check 'no sender was refused' test "$seen" = "$refused"

echo '== The ledger'
end_of_load
check 'each accepted event of payments was accepted once, whichever gateways it was sent to' is paymentsTwice 0
check 'what was delivered again was under way at a fault' is deliveredAgainUnexplained 0
check 'what was accepted again was sent again' is acceptedTwiceUnexplained 0
for gateway in cwm-1 cwm-2; do check "$gateway is healthy" is_healthy "$gateway"; done
curl --silent "$ledger/report"

printf '\n%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
