/**
 * The memory of large bodies on their way through the worker. It is given away or back at once: the worker's heap
 * grows too slowly for a collection to come soon after.
 *
 * @module
 */

import {
  APPEND_FIELDS,
  type Commit,
  type CommitReply,
  type Operation,
  type ReplyOf,
  type StoredBody,
  type StoredEvent,
} from "../protocol.ts";

/** From this length on, in bytes. What is smaller is copied and collected faster than it is seen to. */
const LARGE_BYTES = 16 * 1024;

/** The index of the body among the fields of an append. */
const BODY_FIELD = 4;

/** The large bodies in a reply, which the message that it is sent with takes along instead of copying them. */
export function bodiesToMove({ operations }: Commit, { results }: CommitReply): ArrayBuffer[] {
  return operations
    .flatMap((operation, index) => eventsOfResult(operation, results[index]))
    .flatMap(({ body }) => isLarge(body) ? body.buffer : []);
}

/** Gives back the memory of the large bodies of a commit, which is done. */
export function releaseBodies({ appends, packs, operations }: Commit): void {
  for (const { data } of packs) releaseBody(data);
  for (let at = BODY_FIELD; at < appends.length; at += APPEND_FIELDS) releaseBody(appends[at] as StoredBody);
  for (const operation of operations) {
    if (operation.kind === "bury" || operation.kind === "enqueue") releaseBody(operation.request.event.body);
  }
}

/** Gives back the memory of a body, if it is large. */
export function releaseBody(body: StoredBody): void {
  if (isLarge(body)) body.buffer.transfer(0);
}

/** @param result what the operation returns; `undefined` where it was refused */
function eventsOfResult({ kind }: Operation, result: unknown): readonly StoredEvent[] {
  if (result === undefined) return [];
  switch (kind) {
    case "lease":
      return (result as ReplyOf<typeof kind>).events.flatMap(({ event }) =>
        typeof event === "number" ? [] : event
      );
    case "claim":
      return (result as ReplyOf<typeof kind>).events.map(({ event }) => event);
    case "listRecords":
      return (result as ReplyOf<typeof kind>).records.flatMap(({ event }) => event ?? []);
    case "getDead":
      return [(result as NonNullable<ReplyOf<typeof kind>>).event];
    default:
      return [];
  }
}

/** Whether it is bytes that have a large buffer for themselves. */
function isLarge(body: StoredBody): body is Uint8Array<ArrayBuffer> {
  return typeof body !== "string" && body.byteLength > LARGE_BYTES &&
    body.byteLength === body.buffer.byteLength;
}
