import type { ModuleDocumentation } from "../../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Adds each event to a [stream](https://redis.io/docs/latest/develop/data-types/streams/) of Redis as an entry,",
    "which consumer groups read:",
    "",
    "```sh",
    "redis-cli XGROUP CREATE orders billing 0 MKSTREAM",
    "redis-cli XREADGROUP GROUP billing worker-1 COUNT 10 BLOCK 5000 STREAMS orders '>'",
    "```",
    "",
    "It takes the [connections of type `redis`](../README.md#connection), with TLS, Sentinels and replicas, and those of",
    "type `redis-rq` that the webhook names.",
    "",
    "- **Delivered** means that Redis has confirmed the entry, which then is in the memory of the primary. How much of",
    "  it outlives a crash says its `appendfsync`; with `replicas` of the connection, replicas have it as well.",
    "- **Body**: as it was received, byte for byte; of JSON the text in UTF-8, so numbers keep all their digits.",
    "- **Once**: entry and a mark of the event are written in one step. When Redis has taken an event but its answer",
    "  got lost, the next attempt finds that out and adds nothing. This holds for `dedup_ttl` seconds.",
    "- **Length**: nothing is removed from a stream unless `maxlen` says so. A stream that nobody trims fills Redis'",
    "  memory; then it refuses further events, which wait until there is room.",
    "- **Rights**: an ACL user needs `~orders ~cwm:stream:* +eval +evalsha +exists +set +xadd`, with the stream's name",
    "  in the place of `orders`, and `+wait` if the connection asks for `replicas`. Redis needs `maxmemory-policy",
    "  noeviction`, or streams may vanish. Events wait while something is missing; the log and `cwm check --probe` name",
    "  it.",
    "- **Dead letters** at once are an event for a key under which there is no stream, and one that is longer than",
    "  Redis' `proto-max-bulk-len`, 512 MB unless changed. Whatever else Redis refuses is tried again.",
    "- **Cluster**: `host` may be any node; the gateway goes to the one that has the stream. Streams with a part of",
    "  their names in braces, such as `{shop}:orders`, have connections of their own for each such part; others of one",
    "  connection should be on the same node.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "redis_stream",
        connection: "redis_main",
        "module-config": { stream: "orders", maxlen: 1000000 },
      },
    },
    connections: { redis_main: { type: "redis", host: "localhost", password: "{$REDIS_PASSWORD}" } },
  },
};
