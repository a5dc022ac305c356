/**
 * The field `data` of a job: the serialized call that a worker makes, compressed. A large one is made in steps, so
 * that it holds up nobody else for long.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { pipeline } from "node:stream/promises";
import { createDeflate, deflateSync } from "node:zlib";
import type { Event } from "../../../event/event.ts";
import { eventHeadersJson } from "../../../event/event_headers.ts";
import type { RedisRqConfig } from "./config.ts";
import { PickleWriter } from "./pickle.ts";
import {
  inTurn,
  isLarge,
  pause,
  pickleHeaders,
  pickleLargePayload,
  picklePayload,
  STEP,
} from "./pickled_event.ts";
import { readableJson } from "./readable_json.ts";

/** Shorter ones gain less than the work is worth. RQ takes them either way. */
const SMALLEST_COMPRESSED = 1024;

/** The fastest: compressing at higher levels takes longer than all the rest. */
const COMPRESSION = { level: 1 };

const encoder = new TextEncoder();

/**
 * The data of an event's job. A short text is left to the client, which is quicker with texts.
 *
 * @param signal ends the work on a large body
 * @returns a promise for a large body only
 * @throws {DeliveryError} `output_rejected` when the body cannot be serialized, `output_timeout` when the signal aborts
 */
export function jobData(
  event: Event,
  config: RedisRqConfig,
  signal: AbortSignal,
): string | Buffer | Promise<Buffer> {
  if (isLarge(event)) return inTurn(() => largeData(event, config, signal));
  if (config.serializer === "json") {
    const job = jsonJob(event, config);
    return job.length < SMALLEST_COMPRESSED ? job : deflateSync(encoder.encode(job), COMPRESSION);
  }
  const writer = new PickleWriter();
  beginCall(config, writer);
  picklePayload(event, config.dataType, writer);
  endCall(event, writer);
  return writer.finishInto((data) =>
    data.byteLength < SMALLEST_COMPRESSED ? copyOf(data) : deflateSync(data, COMPRESSION)
  );
}

/** `Buffer.from` takes three times as long. */
function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafe(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

/** JSON cannot hold bytes: a blob becomes Base64. */
function jsonJob(event: Event, config: RedisRqConfig): string {
  const payload = config.dataType === "json" ? readableJson(event) : `"${event.body.bytes.toBase64()}"`;
  return `["${config.function}",null,[${payload},${eventHeadersJson(event)}],{}]`;
}

function beginCall(config: RedisRqConfig, writer: PickleWriter): void {
  writer.beginTuple();
  writer.text(config.function);
  writer.none();
  writer.beginTuple();
}

function endCall(event: Event, writer: PickleWriter): void {
  pickleHeaders(event, writer);
  writer.endTuple();
  writer.beginDict();
  writer.endDict();
  writer.endTuple();
}

async function largeData(event: Event, config: RedisRqConfig, signal: AbortSignal): Promise<Buffer> {
  await pause(signal);
  if (config.serializer === "json") {
    const data = encoder.encode(jsonJob(event, config));
    return await compressInSteps(data, signal);
  }
  const writer = new PickleWriter();
  beginCall(config, writer);
  await pickleLargePayload(event, config.dataType, writer, signal);
  endCall(event, writer);
  return await compressInSteps(writer.finish(), signal);
}

async function compressInSteps(data: Uint8Array, signal: AbortSignal): Promise<Buffer> {
  const parts: Buffer[] = [];
  await pipeline(
    steps(data, signal),
    createDeflate(COMPRESSION),
    async (compressed: AsyncIterable<Buffer>) => {
      for await (const part of compressed) parts.push(part);
    },
  );
  return Buffer.concat(parts);
}

async function* steps(data: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.byteLength; at += STEP) {
    await pause(signal);
    yield data.subarray(at, at + STEP);
  }
}
