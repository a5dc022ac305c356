/**
 * Jobs as RQ keeps them in Redis. A job is a hash `rq:job:{id}` whose field `data` is the serialized tuple
 * of function name, instance (`None`), positional and keyword arguments; its id stands in the list
 * `rq:queue:{name}`, and the list's key in the set `rq:queues`. How workers read it stands in `Job.restore` of
 * `rq/job.py` (RQ 1.13 to 2.10); what they do not need is left out.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";
import { DeliveryError } from "../errors.ts";
import type { Event } from "../event.ts";
import { eventHeadersJson, forEachEventHeader, receivedAtText, TimeText } from "./event_headers.ts";
import { jsonText } from "./json_body.ts";
import { pickleJson } from "./json_pickle.ts";
import { PickleWriter } from "./pickle.ts";
import type { RedisRequest } from "./redis_batcher.ts";
import type { RedisCommand, RedisScript } from "./redis_client.ts";
import type { RedisRqConfig } from "./redis_rq_config.ts";

/** Shorter ones gain less than the work is worth. RQ takes them either way. */
const SMALLEST_COMPRESSED = 1024;

/** What a command takes besides `data`, roughly, in bytes. */
const COMMAND_BYTES = 600;

const encoder = new TextEncoder();
const enqueuedAt = new TimeText();

const QUEUES_KEY = "rq:queues";
const JOB_PREFIX = "rq:job:";

/** Begins the keys that remember what was enqueued. They expire by themselves. */
const MARK_PREFIX = "cwm:rq:";

/**
 * Nothing has been written yet when one of the first two fails, and its reply begins with the code word of
 * Redis. All texts come in one argument, a line each, as the client takes long to write many beside bytes.
 */
const ENQUEUE_LUA = `
if redis.call('EXISTS', KEYS[3], KEYS[4]) > 0 then return 0 end
local reply = redis.pcall('SADD', KEYS[1], KEYS[2])
if type(reply) == 'table' and reply.err then return reply end
reply = redis.pcall('RPUSH', KEYS[2], string.sub(KEYS[3], #'${JOB_PREFIX}' + 1))
if type(reply) == 'table' and reply.err then return reply end
local lines = string.gmatch(ARGV[2], '[^\\n]+')
local ttl, dedup_ttl = lines(), lines()
local fields = {'data', ARGV[1]}
for line in lines do fields[#fields + 1] = line end
redis.call('HSET', KEYS[3], unpack(fields))
if ttl ~= '0' then redis.call('EXPIRE', KEYS[3], ttl) end
if dedup_ttl ~= '0' then redis.call('SET', KEYS[4], '', 'EX', dedup_ttl) end
return 1
`;

/**
 * Puts a job into its queue, all of it or nothing. A job that is there already, or that is remembered, is not
 * put there again: so an attempt whose answer got lost can be repeated without harm.
 */
export const ENQUEUE_SCRIPT: RedisScript = { lua: ENQUEUE_LUA, numberOfKeys: 4 };

/** The name that {@linkcode ENQUEUE_SCRIPT} is called by. */
export const ENQUEUE = "enqueueJob";

/**
 * The call of {@linkcode ENQUEUE_SCRIPT} for one event.
 *
 * @throws {DeliveryError} when the body cannot be serialized
 */
export function enqueueRequest(event: Event, config: RedisRqConfig): RedisRequest {
  const id = event.id + config.idSuffix;
  const data = config.serializer === "json" ? jsonJob(event, config) : compressed(pickledJob(event, config));
  const command: RedisCommand = [
    ENQUEUE,
    ...[QUEUES_KEY, config.queueKey, JOB_PREFIX + id, MARK_PREFIX + id],
    ...[data, linesOf(event, config)],
  ];
  return { command, bytes: data.length + COMMAND_BYTES };
}

/** The job's `ttl`, the mark's, and then names and values of fields in turn. */
function linesOf(event: Event, config: RedisRqConfig): string {
  return `${config.lines}
description
${config.function} (${event.namespace}/${event.webhook})
created_at
${receivedAtText(event)}
enqueued_at
${enqueuedAt.of(Date.now())}`;
}

/** JSON cannot hold bytes: a blob becomes Base64. A short text is left to the client, which is quicker with texts. */
function jsonJob(event: Event, config: RedisRqConfig): string | Buffer {
  const payload = config.dataType === "json" ? jsonText(event.body) : `"${event.body.bytes.toBase64()}"`;
  const job = `["${config.function}",null,[${payload},${eventHeadersJson(event)}],{}]`;
  return job.length < SMALLEST_COMPRESSED ? job : compressed(encoder.encode(job));
}

function pickledJob(event: Event, config: RedisRqConfig): Uint8Array<ArrayBuffer> {
  const writer = new PickleWriter();
  writer.beginTuple();
  writer.text(config.function);
  writer.none();
  writer.beginTuple();
  if (config.dataType === "json") picklePayload(jsonText(event.body), writer);
  else writer.bytes(event.body.bytes);
  writer.beginDict();
  forEachEventHeader(event, (name, value) => {
    writer.text(name);
    writer.text(value);
  });
  writer.endDict();
  writer.endTuple();
  writer.beginDict();
  writer.endDict();
  writer.endTuple();
  return writer.finish();
}

function picklePayload(json: string, writer: PickleWriter): void {
  try {
    pickleJson(json, writer);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DeliveryError("output_rejected", `The body cannot become a job: ${error.message}`);
  }
}

/** The fastest level: a large body must not hold up other events for longer than parsing it does. */
function compressed(data: Uint8Array<ArrayBuffer>): Buffer {
  if (data.byteLength >= SMALLEST_COMPRESSED) return deflateSync(data, { level: 1 });
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
