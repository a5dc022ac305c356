import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Publishes each event on a channel, over a connection of type `redis`. Whoever is subscribed at that moment",
    "gets it. Redis keeps nothing: **an event that nobody listens to counts as delivered and is gone.** Where every",
    "event matters, use `redis_stream` or `redis_rq`. An event whose answer got lost is published again when it is tried again;",
    "its `event_id` is the same.",
  ],
  example: {
    webhooks: {
      news: { module: "redis_publish", connection: "redis_news", "module-config": { channel: "news" } },
    },
    connections: { redis_news: { type: "redis", host: "localhost" } },
  },
  connection: [
    "## Connections of type `redis-rq` and `redis`",
    "",
    "`redis_rq` and `task_queue` use connections of type `redis-rq`, `redis_publish` and `redis_stream` those of type `redis`",
    "(`redis_publish` also `redis-publish`). All have the same keys, and each module takes a connection of the other",
    "type that the webhook names. A",
    "connection is opened when the first event needs it and after it was lost; a Redis that is down, frozen,",
    "read-only, out of memory or refuses the password holds up no other webhook, and its events are tried again.",
    "After a failover the name is resolved again.",
    "",
    "With Sentinels, name them instead of a host:",
    "",
    "```json",
    '{ "jobs": { "type": "redis-rq", "sentinels": ["sentinel-1", "sentinel-2:26379"], "master": "mymaster" } }',
    "```",
    "",
    "All of them are asked before each connection, and the newest answer counts, so an old primary that comes back",
    "after a failover gets no events. With the fixed address of such a server, it would take them until Sentinel",
    "finds it, and lose them. What Redis confirms is in the memory of the primary alone: what had not reached a",
    "replica yet when the primary fails is lost, with Sentinels too. Where that must not be, set `replicas` to 1:",
    "then an event counts as delivered when a replica has it as well, or else it is tried again. That needs a",
    "replica that is up. The server's own setting `min-replicas-to-write 1` refuses writes where there is none, but",
    "does not wait for it. Tried with Redis 7.0.",
  ],
  ownConnection: [
    "A webhook or a step of a chain may hold the connection itself, in its key `redis`, instead of naming one:",
    "",
    "```json",
    '{ "news": { "module": "redis_publish", "redis": { "host": "cache", "port": 6379, "channel": "news" } } }',
    "```",
    "",
    "Webhooks with equal settings share one connection. `/admin/connections` lists it under its address, with",
    '`"in_webhook": true`.',
  ],
};
