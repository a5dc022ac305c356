/**
 * The field `data` of a job: the serialized call that a worker makes, compressed. A large one is made in steps, so
 * that it holds up nobody else for long.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { pipeline } from "node:stream/promises";
import { createDeflate, deflateSync } from "node:zlib";
import { DeliveryError } from "../../../errors.ts";
import type { Event } from "../../../event/event.ts";
import { eventHeadersJson, forEachEventHeader } from "../../../event/event_headers.ts";
import { jsonText } from "../../../event/json_body.ts";
import { breathe } from "../../../time/pace.ts";
import { isReadByPython, pickleJson } from "./json_pickle.ts";
import { PickleWriter } from "./pickle.ts";
import type { RedisRqConfig } from "./config.ts";

/** Shorter ones gain less than the work is worth. RQ takes them either way. */
const SMALLEST_COMPRESSED = 1024;

/** From this length of the body on, in characters or bytes, data is made in steps. */
const SMALLEST_LARGE = 256 * 1024;

/** How much of a large body is written, and how much of its data compressed, in one step. */
const STEP = 128 * 1024;

/** The fastest: compressing at higher levels takes longer than all the rest. */
const COMPRESSION = { level: 1 };

const encoder = new TextEncoder();

/** Large data is made one after the other: each takes several times its size in memory. */
let lastTurn: Promise<unknown> = Promise.resolve();

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
  if (event.body.length >= SMALLEST_LARGE) return inTurn(() => largeData(event, config, signal));
  if (config.serializer === "json") {
    const job = jsonJob(event, config);
    return job.length < SMALLEST_COMPRESSED ? job : deflateSync(encoder.encode(job), COMPRESSION);
  }
  const writer = new PickleWriter();
  beginCall(config, writer);
  if (config.dataType === "blob") writer.bytes(event.body.bytes);
  else pickleText(jsonText(event.body), writer);
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
  const payload = config.dataType === "json" ? jsonText(event.body) : `"${event.body.bytes.toBase64()}"`;
  return `["${config.function}",null,[${payload},${eventHeadersJson(event)}],{}]`;
}

function pickleText(json: string, writer: PickleWriter): void {
  if (isReadByPython(json)) writer.parsedJson(json);
  else pickleValues(json, writer, 0, json.length);
}

/** Writes the values between two indexes, and returns the index to go on from. */
function pickleValues(json: string, writer: PickleWriter, from: number, until: number): number {
  try {
    return pickleJson(json, writer, from, until);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DeliveryError("output_rejected", `The body cannot become a job: ${error.message}`);
  }
}

function beginCall(config: RedisRqConfig, writer: PickleWriter): void {
  writer.beginTuple();
  writer.text(config.function);
  writer.none();
  writer.beginTuple();
}

function endCall(event: Event, writer: PickleWriter): void {
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
}

function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  const turn = lastTurn.then(work);
  lastTurn = turn.catch(() => {}); // The caller learns of it.
  return turn;
}

async function largeData(event: Event, config: RedisRqConfig, signal: AbortSignal): Promise<Buffer> {
  await pause(signal);
  if (config.serializer === "json") {
    const data = encoder.encode(jsonJob(event, config));
    return await compressInSteps(data, signal);
  }
  const writer = new PickleWriter();
  beginCall(config, writer);
  if (config.dataType === "blob") writer.bytes(event.body.bytes);
  else await pickleLargeText(jsonText(event.body), writer, signal);
  endCall(event, writer);
  return await compressInSteps(writer.finish(), signal);
}

async function pickleLargeText(json: string, writer: PickleWriter, signal: AbortSignal): Promise<void> {
  await pause(signal);
  if (isReadByPython(json)) return writer.parsedJson(json);
  for (let at = 0; at < json.length; await pause(signal)) {
    at = pickleValues(json, writer, at, Math.min(at + STEP, json.length));
  }
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

/** Lets everything that waits run: requests, timers, data from the network. */
async function pause(signal: AbortSignal): Promise<void> {
  await breathe();
  if (signal.aborted) throw new DeliveryError("output_timeout", "The job was not ready in time");
}
