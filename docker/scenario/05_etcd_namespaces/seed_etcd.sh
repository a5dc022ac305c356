#!/usr/bin/env bash
# Writes the scenario's webhooks and its connection into etcd. Running it again changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

put() { # put KEY VALUE
  printf '%s: ' "$1"
  docker compose exec -T etcd etcdctl put "$1" "$2"
}

put /cwm/production/webhooks/github_events \
  '{"data_type":"json","module":"log","module-config":{"pretty_print":true}}'

# Two teams. Both have a webhook `orders`, and only one of them asks for credentials.
put /cwm/team-a/webhooks/orders '{"module":"log"}'
put /cwm/team-a/webhooks/payments '{"module":"log"}'
put /cwm/team-b/webhooks/orders '{"module":"log","authorization":"Bearer secret-of-team-b"}'
put /cwm/team-b/webhooks/analytics '{"module":"log"}'

# Answers on /webhook/fallback, without a namespace in the path.
put /cwm/default/webhooks/fallback '{"module":"log"}'

# Connections belong to all namespaces.
put /cwm/global/connections/redis_main '{"type":"redis-rq","host":"redis","port":6379}'
