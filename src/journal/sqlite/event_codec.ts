/**
 * Events as they are stored, and back, in the gateway's thread.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { restoreVerifiedEvent, type VerifiedEvent } from "../../event/verified_event.ts";
import { EventBody } from "../../event/event.ts";
import type { TraceCarrier } from "../../observability/tracing.ts";
import type { StoredBody, StoredEvent } from "./protocol.ts";

/**
 * The name of the pair that holds an event's trace, as JSON. It stands before those of the headers and differs from
 * them by its capitals: the names that senders choose are stored in lower case.
 */
const TRACE_NAME = "Cwm-Trace";

/** How stored headers with a trace begin. */
const TRACE_START = `[["${TRACE_NAME}",`;

/** The headers as JSON: an array of pairs, since a name may stand there several times; the trace before them. */
export function encodeHeaders(headers: Headers, trace?: TraceCarrier): string {
  const pairs: [string, string][] = trace === undefined ? [] : [[TRACE_NAME, JSON.stringify(trace)]];
  // Iterating with for-of takes three times as long.
  headers.forEach((value, name) => pairs.push([name, value]));
  return JSON.stringify(pairs);
}

/** The body in the form in which it can be stored exactly. */
export function encodeBody(body: EventBody): StoredBody {
  const stored = body.stored;
  if (typeof stored === "string") {
    // `node:sqlite` reads a text up to its first NUL only, so such a text is stored as bytes.
    return stored.includes("\0") ? new Uint8Array(Buffer.from(stored)) : stored;
  }
  // A view of a larger buffer would be sent to the worker with all of that buffer.
  return stored.byteLength === stored.buffer.byteLength ? stored : stored.slice();
}

/** Makes the event as it is stored. */
export function encodeEvent(
  { id, namespace, webhook, receivedAt, headers, body, trace }: VerifiedEvent,
): StoredEvent {
  return {
    id,
    namespace,
    webhook,
    receivedAt,
    headers: encodeHeaders(headers, trace),
    body: encodeBody(body),
  };
}

/** Makes the event that was stored. It was verified before it was. */
export function decodeEvent({ headers, body, ...rest }: StoredEvent): VerifiedEvent {
  const pairs = JSON.parse(headers) as [string, string][];
  const stored = headers.startsWith(TRACE_START) ? pairs.shift() : undefined;
  return restoreVerifiedEvent({
    ...rest,
    headers: new Headers(pairs),
    ...(stored === undefined ? {} : { trace: JSON.parse(stored[1]) as TraceCarrier }),
    body: typeof body === "string" ? EventBody.fromText(body) : EventBody.fromBytes(body),
  });
}
