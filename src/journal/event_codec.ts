/**
 * Events as every journal stores them, and back.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { restoreVerifiedEvent, type VerifiedEvent } from "../event/verified_event.ts";
import { type Event, EventBody } from "../event/event.ts";
import type { TraceCarrier } from "../observability/tracing.ts";

/** A body as it is stored: text where it was read as text, otherwise bytes. */
export type StoredBody = string | Uint8Array<ArrayBuffer>;

/** An event as it is stored. The headers are a JSON array of pairs. */
export interface StoredEvent {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly receivedAt: number;
  readonly headers: string;
  readonly body: StoredBody;
}

/**
 * The names of the pairs that hold an event's trace, as JSON, its type, its query, and that its filter has failed. They
 * stand before those of the headers and differ from them by their capitals: the names that senders choose are stored in
 * lower case.
 */
const TRACE_NAME = "Cwm-Trace";
const TYPE_NAME = "Cwm-Event-Type";
const QUERY_NAME = "Cwm-Query";
const UNFILTERED_NAME = "Cwm-Unfiltered";

/** How stored headers with such a pair begin. */
const OWN_START = '[["C';

/**
 * The headers as JSON: an array of pairs, since a name may stand there several times; what else is known of the event
 * before them.
 */
export function encodeHeaders(
  { headers, trace, type, query, isUnfiltered }: Pick<
    Event,
    "headers" | "trace" | "type" | "query" | "isUnfiltered"
  >,
): string {
  const pairs: [string, string][] = trace === undefined ? [] : [[TRACE_NAME, JSON.stringify(trace)]];
  if (type !== undefined) pairs.push([TYPE_NAME, type]);
  if (query !== undefined) pairs.push([QUERY_NAME, query]);
  if (isUnfiltered === true) pairs.push([UNFILTERED_NAME, ""]);
  // Iterating with for-of takes three times as long.
  headers.forEach((value, name) => pairs.push([name, value]));
  return JSON.stringify(pairs);
}

/** The body in the form in which it can be stored exactly; bytes may be a view of a larger buffer. */
export function encodeBody(body: EventBody): StoredBody {
  const stored = body.stored;
  // `node:sqlite` reads a text up to its first NUL only, so such a text is stored as bytes.
  return typeof stored === "string" && stored.includes("\0") ? new Uint8Array(Buffer.from(stored)) : stored;
}

/** A body that can be sent to another thread: a view of a larger buffer would be sent with all of that buffer. */
export function ownBytes(body: StoredBody): StoredBody {
  return typeof body === "string" || body.byteLength === body.buffer.byteLength ? body : body.slice();
}

/** Makes the event as it is stored. */
export function encodeEvent(event: VerifiedEvent): StoredEvent {
  const { id, namespace, webhook, receivedAt, body } = event;
  return {
    id,
    namespace,
    webhook,
    receivedAt,
    headers: encodeHeaders(event),
    body: ownBytes(encodeBody(body)),
  };
}

/** Makes the event that was stored. It was verified before it was. */
export function decodeEvent({ headers, body, ...rest }: StoredEvent): VerifiedEvent {
  const pairs = JSON.parse(headers) as [string, string][];
  const isPlain = !headers.startsWith(OWN_START);
  const trace = isPlain ? undefined : takeFirst(pairs, TRACE_NAME);
  const type = isPlain ? undefined : takeFirst(pairs, TYPE_NAME);
  const query = isPlain ? undefined : takeFirst(pairs, QUERY_NAME);
  const unfiltered = isPlain ? undefined : takeFirst(pairs, UNFILTERED_NAME);
  return restoreVerifiedEvent({
    ...rest,
    headers: new Headers(pairs),
    ...(trace === undefined ? {} : { trace: JSON.parse(trace) as TraceCarrier }),
    ...(type === undefined ? {} : { type }),
    ...(query === undefined ? {} : { query }),
    ...(unfiltered === undefined ? {} : { isUnfiltered: true }),
    body: typeof body === "string" ? EventBody.fromText(body) : EventBody.fromBytes(body),
  });
}

/** Removes the first pair where it has this name, and returns its value. */
function takeFirst(pairs: [string, string][], name: string): string | undefined {
  return pairs[0]?.[0] === name ? pairs.shift()![1] : undefined;
}
