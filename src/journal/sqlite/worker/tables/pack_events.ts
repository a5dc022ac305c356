/**
 * The events in one pack.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Pack, PACK_FIELDS, type PackedEvent, packEvents } from "../../protocol.ts";
import { DamagedFileError } from "../schema.ts";
import { returnArrays } from "./row_inserter.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Whether what is left of a pack's events has rows in `pending`, for statements that read `packs`. Only packs with
 * `claimed = 1` can be held, so that no others are looked for.
 */
export const IS_HELD = `(packs.claimed = 1 AND EXISTS (SELECT 1 FROM pending
  WHERE pending.seq BETWEEN packs.first AND packs.first + packs.count - 1 AND pending.pack = packs.first))`;

/** Takes packs of an open file apart. */
export class PackReader {
  readonly #read: StatementSync;
  /** The one that was read last: its events are mostly asked for one after the other. */
  #last: { readonly first: number; readonly events: readonly PackedEvent[] } | undefined;

  constructor(database: DatabaseSync) {
    this.#read = returnArrays(database.prepare("SELECT fields, data FROM packs WHERE first = ?"));
  }

  /**
   * All events that the pack was written with.
   *
   * @throws {DamagedFileError} when there is no such pack
   */
  events(first: number): readonly PackedEvent[] {
    if (this.#last?.first === first) return this.#last.events;
    const row = this.#read.get(first) as unknown as [string, Uint8Array<ArrayBuffer>] | undefined;
    if (row === undefined) throw new DamagedFileError(`The pack ${first} is missing`);
    const events = unpackEvents({ fields: row[0], data: row[1] });
    this.#last = { first, events };
    return events;
  }

  /** @throws {DamagedFileError} when it is not in the pack */
  event(first: number, sequence: number): PackedEvent {
    const event = this.events(first)[sequence - first];
    if (event === undefined) throw new DamagedFileError(`The event ${sequence} is not in the pack ${first}`);
    return event;
  }

  /** Keeps nothing in memory: numbers of a transaction that was taken back are given again. */
  forget(): void {
    this.#last = undefined;
  }
}

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
