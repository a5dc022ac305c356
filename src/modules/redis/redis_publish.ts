/**
 * `redis_publish`: publishes each event on a channel of Redis. Whoever is subscribed at that moment gets it.
 * Redis keeps nothing: what nobody hears has been delivered, and is gone.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Event } from "../../event/event.ts";
import { envelopeOf } from "../../event/envelope.ts";
import { eventHeadersJson } from "../../event/event_headers.ts";
import type { DocumentedModule } from "../module.ts";
import type { RedisCommand } from "./client.ts";
import { type RedisConnection, redisConnectionSchema, redisDestinations } from "./connection.ts";
import { nameField } from "./names.ts";
import { REDIS_BATCHES, RedisOutput } from "./output.ts";
import { redisOwnConnectionSchema } from "./publish_own.ts";
import { DENIED_LUA } from "../../io/redis/rights.ts";

const DEFAULT_CHANNEL = "webhook_events";

/** The name of the script that says whether the user may publish on a channel. */
const PROBE = "probePublish";
const PROBE_SCRIPT = {
  lua: `${DENIED_LUA} return denied(ARGV[1], 'PUBLISH', ARGV[1], '') or 0`,
  numberOfKeys: 0,
};

/** A compiled `module-config`. */
export interface RedisPublishConfig {
  readonly channel: string;
  readonly format: "json" | "raw";
  readonly dataType: "json" | "blob";
}

const fields = z.strictObject({
  channel: nameField().default(DEFAULT_CHANNEL).meta({ description: "Channel to publish on." }),
  format: z.enum(["json", "raw"]).default("json").meta({
    description:
      "`json`: an object with `event_id`, `namespace`, `webhook`, `received_at`, `event_type` where it is known, " +
      "`headers` (without credentials) and `payload`, or `body_base64` with `data_type: blob`. `raw`: the body as received.",
  }),
});

const configSchema: z.ZodType<RedisPublishConfig> = fields.transform((input) => ({
  ...input,
  dataType: "json",
}));

function publishCommand(event: Event, { channel, format, dataType }: RedisPublishConfig): RedisCommand {
  if (format === "json") {
    const form = dataType === "json" ? "json" : "base64";
    return ["publish", channel, envelopeOf(event, eventHeadersJson(event), form)];
  }
  const { bytes } = event.body;
  return ["publish", channel, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)];
}

/** Publishes events. */
export const redisPublishModule: DocumentedModule<RedisPublishConfig, RedisConnection> = {
  name: "redis_publish",
  summary: "a channel of Redis, for whoever listens",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["redis", "redis-publish"],
  namedConnectionTypes: ["redis-rq"],
  configSchema,
  connectionSchema: redisConnectionSchema,
  ownConnectionSchema: redisOwnConnectionSchema,
  destinations: ({ channel }) => [{ kind: "channels", name: channel, key: "channel" }],
  connectionDestinations: redisDestinations,
  acceptance: "durable",
  reads: "bytes",
  ...REDIS_BATCHES,
  forWebhook: (config, { dataType }) => ({ ...config, dataType }),
  open: async (connection, context) => {
    // Loaded when it is needed: ioredis takes 8 MiB and 35 ms.
    const { RedisClient } = await import("./client.ts");
    const client = new RedisClient(connection, context, { [PROBE]: PROBE_SCRIPT });
    return new RedisOutput(client, {
      probe: () => ["ping"],
      probeFor: ({ channel }) => [PROBE, channel],
      usesScripts: false,
      command: publishCommand,
    });
  },
};
