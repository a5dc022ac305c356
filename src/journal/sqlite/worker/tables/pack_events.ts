/**
 * The events in one pack.
 *
 * @module
 */

import { type Pack, PACK_FIELDS, type PackedEvent, packEvents } from "../../protocol.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Takes the events of a pack apart.
 *
 * @throws {SyntaxError} or {@linkcode TypeError} for fields that are none
 */
export function unpackEvents({ fields, data }: Pick<Pack, "fields" | "data">): PackedEvent[] {
  const numbers = JSON.parse(fields) as number[];
  let bytes = 0;
  for (let at = PACK_FIELDS - 1; at < numbers.length; at += PACK_FIELDS) {
    if (numbers[at]! < 0) bytes += -1 - numbers[at]!;
  }
  const text = decoder.decode(data.subarray(0, data.length - bytes));
  let position = 0;
  let bytesAt = data.length - bytes;
  const next = (length: number) => text.slice(position, position += length);
  // A copy: what is left of the pack is not to be kept for the sake of one of its events.
  const nextBytes = (length: number) => data.slice(bytesAt, bytesAt += length);
  const events: PackedEvent[] = [];
  for (let start = 0; start < numbers.length; start += PACK_FIELDS) {
    const [receivedAt = 0, id = 0, headers = 0, body = 0] = numbers.slice(start, start + PACK_FIELDS);
    events.push({
      receivedAt,
      id: next(id),
      headers: next(headers),
      body: body < 0 ? nextBytes(-1 - body) : next(body),
    });
  }
  return events;
}

/** The pack without some of its events. @param left out, by their index in the pack */
export function packWithout(pack: Pack, left: ReadonlySet<number>): Pack {
  const events = unpackEvents(pack).filter((_, index) => !left.has(index));
  return { ...pack, count: events.length, ...packEvents(events) };
}
