/**
 * `redis_stream`: adds each event to a stream of Redis, once, where consumer groups read it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { envelopeOf } from "../../../event/envelope.ts";
import type { Event } from "../../../event/event.ts";
import { eventHeadersJson, receivedAtText } from "../../../event/event_headers.ts";
import { jsonText } from "../../../event/json_body.ts";
import { suffixInForm } from "../../id_suffix.ts";
import type { DocumentedModule } from "../../module.ts";
import { APPEND_SCRIPTS, appendCommand, probeAppendCommand } from "../append.ts";
import type { RedisCommand } from "../client.ts";
import { type RedisConnection, redisConnectionSchema, redisDestinations } from "../connection.ts";
import { touchCommand } from "../mark.ts";
import { REDIS_BATCHES, RedisOutput } from "../output.ts";
import { type RedisStreamConfig, redisStreamConfigSchema } from "./config.ts";

/** Adds events to streams. */
export const redisStreamModule: DocumentedModule<RedisStreamConfig, RedisConnection> = {
  name: "redis_stream",
  summary: "an entry of a stream of Redis, for consumer groups",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["redis"],
  namedConnectionTypes: ["redis-rq"],
  configSchema: redisStreamConfigSchema,
  connectionSchema: redisConnectionSchema,
  destinations: ({ key }) => [{ kind: "streams", name: key, key: "stream" }],
  connectionDestinations: redisDestinations,
  acceptance: "durable",
  reads: "bytes",
  ...REDIS_BATCHES,
  partition: ({ node }) => node,
  forWebhook: (config, { dataType, form }) => ({
    ...config,
    dataType,
    idSuffix: suffixInForm(config.idSuffix, form),
  }),
  open: async (connection, context) => {
    // Loaded when it is needed: ioredis takes 8 MiB and 35 ms.
    const { RedisClient } = await import("../client.ts");
    return new RedisOutput(new RedisClient(connection, context, APPEND_SCRIPTS), {
      probe: (last) => last === undefined ? ["ping"] : touchCommand(last.markPrefix),
      probeFor: probeAppendCommand,
      usesScripts: true,
      command: addCommand,
    });
  },
};

function addCommand(event: Event, config: RedisStreamConfig): RedisCommand {
  return appendCommand(config, event.id + config.idSuffix, entryOf(event, config));
}

/** Names and values of an entry's fields in turn. */
function entryOf(event: Event, { format, field, dataType }: RedisStreamConfig): (string | Buffer)[] {
  if (format === "json") {
    const form = dataType === "json" ? "json" : "base64";
    return [field, envelopeOf(event, eventHeadersJson(event), form)];
  }
  const body = dataType === "json" ? jsonText(event.body) : asBuffer(event.body.bytes);
  if (format === "raw") return [field, body];
  const { id, namespace, webhook, type } = event;
  return [
    ...["event_id", id, "namespace", namespace, "webhook", webhook],
    ...(type === undefined ? [] : ["event_type", type]),
    ...["received_at", receivedAtText(event), "headers", eventHeadersJson(event)],
    ...[field, body],
  ];
}

/** The same bytes as the client knows them. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
