/**
 * Parts of events for Python: the payload and the headers that a function is called with, as pickles. A large payload
 * is written in steps, so that it holds up nobody else for long.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import type { Event } from "../../../event/event.ts";
import { forEachEventHeader } from "../../../event/event_headers.ts";
import { jsonText } from "../../../event/json_body.ts";
import { breathe } from "../../../time/pace.ts";
import { isReadByPython, pickleJson } from "./json_pickle.ts";
import type { PickleWriter } from "./pickle.ts";

/** From this length of the body on, in characters or bytes, what is made of it is made in steps. */
const SMALLEST_LARGE = 256 * 1024;

/** How much of a large body is written or compressed in one step. */
export const STEP: number = 128 * 1024;

/** What is large is made one after the other: each takes several times its size in memory. */
let lastTurn: Promise<unknown> = Promise.resolve();

/** Whether what is made of the event's body is to be made in steps. */
export function isLarge({ body }: Event): boolean {
  return body.length >= SMALLEST_LARGE;
}

/** Does work on a large body when that on all earlier ones has ended. */
export function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  const turn = lastTurn.then(work);
  lastTurn = turn.catch(() => {}); // The caller learns of it.
  return turn;
}

/**
 * Lets everything that waits run: requests, timers, data from the network.
 *
 * @throws {DeliveryError} `output_timeout` when the signal has aborted
 */
export async function pause(signal: AbortSignal): Promise<void> {
  await breathe();
  if (signal.aborted) throw new DeliveryError("output_timeout", "The job was not ready in time");
}

/**
 * Writes the payload: the bytes of a blob, or what `json.loads` makes of the body.
 *
 * @throws {DeliveryError} `output_rejected` when the body cannot be pickled
 */
export function picklePayload({ body }: Event, dataType: "json" | "blob", writer: PickleWriter): void {
  if (dataType === "blob") return writer.bytes(body.bytes);
  const json = jsonText(body);
  if (isReadByPython(json)) writer.parsedJson(json);
  else pickleValues(json, writer, 0, json.length);
}

/**
 * Does the same in steps.
 *
 * @throws {DeliveryError} `output_timeout` when the signal aborts, too
 */
export async function pickleLargePayload(
  { body }: Event,
  dataType: "json" | "blob",
  writer: PickleWriter,
  signal: AbortSignal,
): Promise<void> {
  if (dataType === "blob") return writer.bytes(body.bytes);
  const json = jsonText(body);
  await pause(signal);
  if (isReadByPython(json)) return writer.parsedJson(json);
  for (let at = 0; at < json.length; await pause(signal)) {
    at = pickleValues(json, writer, at, Math.min(at + STEP, json.length));
  }
}

/** Writes the headers as a dict. */
export function pickleHeaders(event: Event, writer: PickleWriter): void {
  writer.beginDict();
  forEachEventHeader(event, (name, value) => {
    writer.text(name);
    writer.text(value);
  });
  writer.endDict();
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
