/** Events as they are stored, and back. */

import { Buffer } from "node:buffer";
import { restoreVerifiedEvent } from "../../auth/restored_event.ts";
import type { VerifiedEvent } from "../../auth/verified_event.ts";
import { EventBody } from "../../event.ts";
import type { StoredBody, StoredEvent } from "./protocol.ts";

/** The headers as JSON: an array of pairs, since a name may stand there several times. */
export function encodeHeaders(headers: Headers): string {
  const pairs: [string, string][] = [];
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
  { id, namespace, webhook, receivedAt, headers, body }: VerifiedEvent,
): StoredEvent {
  return {
    id,
    namespace,
    webhook,
    receivedAt,
    headers: encodeHeaders(headers),
    body: encodeBody(body),
  };
}

/** Makes the event that was stored. It was verified before it was. */
export function decodeEvent({ headers, body, ...rest }: StoredEvent): VerifiedEvent {
  return restoreVerifiedEvent({
    ...rest,
    headers: new Headers(JSON.parse(headers) as [string, string][]),
    body: typeof body === "string" ? EventBody.fromText(body) : EventBody.fromBytes(body),
  });
}
