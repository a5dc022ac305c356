import type { ModuleDocumentation } from "../../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Makes each event a job of [RQ](https://python-rq.org), which any `rq worker` runs as",
    "`function(payload, headers)`:",
    "",
    "```python",
    "# shop/tasks.py, run by: rq worker high --url redis://localhost:6379/0",
    "def process_order(payload: dict, headers: dict[str, str]) -> None:",
    '    print(headers["cwm-event-id"], payload["id"])',
    "```",
    "",
    "- **Payload**: what Python's `json.loads` makes of the body: integers of any size are exact, `1.0` stays a",
    "  `float`, keys keep their order. With `data_type: blob` it is `bytes`; with `serializer: json`, which cannot",
    "  hold bytes, Base64 text. Python's JSON parser follows about 1000 levels of nesting, so deeper bodies need",
    "  the `pickle` serializer.",
    "- **Headers**: those received, in lower case and without credentials and signatures, and `cwm-event-id`,",
    "  `cwm-namespace`, `cwm-webhook`, `cwm-received-at`, and `cwm-event-type` where it is known.",
    "- **Once**: the job's id begins with the event's, and job, queue and a mark of the event are written in one",
    "  step, all of it or nothing, whatever the user may be refused. When Redis has taken an event but its answer",
    "  got lost, the next attempt finds that out and enqueues nothing, even when the job has been run and removed",
    "  in the meantime. This holds for `dedup_ttl` seconds, and for as long as the job is in Redis. RQ itself runs",
    "  a job again that failed as often as `retries` says, and may run one again when a worker dies.",
    "- **Safe**: a job is data, whatever a sender puts into it. A pickle has the body's own text and one call,",
    "  `json.loads` of it, for the worker to make; what that refuses, deep nesting for one, is written as values.",
    "  And `function` can only be set by whoever configures webhooks. The operator's `RQ_FUNCTIONS` is the",
    "  boundary: jobs call no other function. Without it, names that lead to `os`, `subprocess`, `timeit`, `pdb`",
    "  and their like are refused, which is a second line and no boundary: what a worker can import is never known",
    "  here.",
    "- **Redis** needs `maxmemory-policy noeviction`, or jobs may vanish. An ACL user needs",
    "  `~rq:* ~cwm:rq:* +eval +evalsha +exists +sadd +rpush +hset",
    "  +expire +set`, and `+wait` if the connection",
    "  asks for `replicas`; with a `key_prefix` of your own its keys instead of the two, such as `~acme:rq:*`.",
    "  Events wait while something of it is missing; the log and `cwm check --probe` name it.",
    '- **Cluster**: RQ 3.0 runs on a cluster with a prefix in braces: `"key_prefix": "{rq}"` here, and',
    "  `RQ_KEY_PREFIX={rq}` for the workers. `host` may be any node; the gateway goes to the one that has the keys.",
  ],
  example: {
    webhooks: {
      "orders": {
        "module": "redis_rq",
        "connection": "redis_main",
        "module-config": { "function": "shop.tasks.process_order", "queue_name": "high" },
      },
    },
    connections: {
      "redis_main": {
        "type": "redis-rq",
        "host": "localhost",
        "port": 6379,
        "password": "{$REDIS_PASSWORD}",
      },
    },
  },
};
