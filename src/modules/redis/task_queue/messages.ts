/**
 * Tasks as the workers of Celery, Dramatiq, arq and TaskIQ read them: the forms of Celery 5.7 (message protocol 2, in
 * the envelope of kombu), Dramatiq 2.2, arq 0.28 and TaskIQ 0.13.
 *
 * @see https://docs.celeryq.dev/en/stable/internals/protocol.html
 * @module
 */

import { Buffer } from "node:buffer";
import type { Event } from "../../../event/event.ts";
import { PickleWriter } from "../rq/pickle.ts";
import { inTurn, isLarge, pause, pickleHeaders } from "../rq/pickled_event.ts";
import { readableJson } from "../rq/readable_json.ts";
import { argumentsJson } from "./arguments.ts";
import type { TaskQueueConfig } from "./config.ts";

const encoder = new TextEncoder();

/** What follows the arguments in the body of a message of Celery: named arguments, and what to do after the task. */
const CELERY_REST = ',{},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]';

/** The message of a task, or a promise of it where the body is large. */
export type Message = string | Buffer | Promise<string | Buffer>;

/**
 * Makes the message of an event's task.
 *
 * @param now milliseconds since 1970
 * @param signal ends the work on a large body
 * @throws {DeliveryError} `output_rejected` when workers could not read it, `output_timeout` when the signal aborts
 */
export function messageOf(
  event: Event,
  id: string,
  config: TaskQueueConfig,
  now: number,
  signal: AbortSignal,
): Message {
  if (!isLarge(event)) return makeMessage(event, id, config, now);
  return inTurn(async () => {
    await pause(signal);
    return makeMessage(event, id, config, now);
  });
}

function makeMessage(event: Event, id: string, config: TaskQueueConfig, now: number): string | Buffer {
  return config.serializer === "pickle"
    ? pickledJob(event, config, now)
    : jsonMessage(event, id, config, now);
}

function jsonMessage(event: Event, id: string, config: TaskQueueConfig, now: number): string {
  const args = argumentsJson(event, config);
  switch (config.protocol) {
    case "celery":
      return celeryMessage(id, args, config, now);
    case "dramatiq":
      return dramatiqMessage(id, args, config, now);
    case "arq":
      return `{"t":null,"f":"${config.function}","a":${args},"k":{},"et":${now}}`;
    case "taskiq":
      return `{"task_id":"${id}","task_name":"${config.function}","labels":{${config.options}},` +
        `"args":${args},"kwargs":{}}`;
  }
}

/** Ids and names of functions have no character that JSON would escape. */
function celeryMessage(id: string, args: string, config: TaskQueueConfig, now: number): string {
  const { timeout = null, ttl, queueJson } = config;
  const body = encoder.encode(`[${args}${CELERY_REST}`).toBase64();
  const expires = ttl === undefined ? "null" : `"${new Date(now + ttl * 1000).toISOString()}"`;
  return `{"body":"${body}","content-encoding":"utf-8","content-type":"application/json",` +
    `"headers":{"lang":"js","task":"${config.function}","id":"${id}","root_id":"${id}","parent_id":null,"group":null,` +
    `"retries":0,"timelimit":[${timeout},null],"eta":null,"expires":${expires}},` +
    `"properties":{"correlation_id":"${id}","delivery_mode":2,"priority":0,"body_encoding":"base64",` +
    `"delivery_info":{"exchange":"","routing_key":${queueJson}},"delivery_tag":"${id}"}}`;
}

function dramatiqMessage(id: string, args: string, config: TaskQueueConfig, now: number): string {
  const { options } = config;
  return `{"queue_name":${config.queueJson},"actor_name":"${config.function}","args":${args},"kwargs":{},` +
    `"options":{"redis_message_id":"${id}"${options === "" ? "" : `,${options}`}},` +
    `"message_id":"${id}","message_timestamp":${now}}`;
}

/** The dict that arq's workers read, with the body's own text and one call, `json.loads` of it. */
function pickledJob(event: Event, config: TaskQueueConfig, now: number): Buffer {
  const writer = new PickleWriter();
  writer.beginDict();
  writer.text("t");
  writer.none();
  writer.text("f");
  writer.text(config.function);
  writer.text("a");
  writer.beginTuple();
  if (config.dataType === "blob") writer.bytes(event.body.bytes);
  else writer.parsedJson(readableJson(event));
  pickleHeaders(event, writer);
  writer.endTuple();
  writer.text("k");
  writer.beginDict();
  writer.endDict();
  writer.text("et");
  writer.integer(now);
  writer.endDict();
  const { buffer, byteOffset, byteLength } = writer.finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}
