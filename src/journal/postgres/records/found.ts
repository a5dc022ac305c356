/**
 * Records as they are found in rows, each with the bytes of its event where those were read.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { AttemptFailure } from "../../../dead_letters/dead_letters.ts";
import type { EventRecord, RecordFilter, RecordOrder, RecordState } from "../../../records/records.ts";
import { eventStarts, readEvent } from "../event_bytes.ts";
import { decodeHeld, type HeldEvent } from "../packs/held.ts";
import type { Position } from "./cursor.ts";
import type { FoundRow, RowKind } from "./statements.ts";

/** A record, where it was found, and its event's bytes; they are undefined where they were not read. */
export interface Found {
  readonly record: Omit<EventRecord, "event" | "cursor">;
  readonly position: Position;
  readonly row: FoundRow;
  readonly bytes: Buffer | undefined;
}

const NOTHING_KNOWN = {
  attempts: undefined,
  dueAt: undefined,
  deliveredAt: undefined,
  diedAt: undefined,
  channel: undefined,
  failure: undefined,
} as const;

/** In which kind of row events of a state stand. */
const KINDS: Readonly<Record<RecordState, RowKind>> = {
  waiting: "pack",
  under_way: "pack",
  delivered: "pack",
  dead_letter: "dead",
  in_channel: "message",
};

/** The kinds of rows that may have records of a filter. */
export function kindsOf({ states }: RecordFilter): readonly RowKind[] {
  return states === undefined
    ? ["pack", "dead", "message"]
    : [...new Set(states.map((state) => KINDS[state]))];
}

/** Whether a pack may have records of a filter, as far as can be said without its events. */
export function mayMatch({ states }: RecordFilter, { kind, done_at: doneAt, held }: FoundRow): boolean {
  if (kind !== "pack" || states === undefined) return true;
  const isPending = states.includes("waiting") || states.includes("under_way");
  // Of a pack that was held up, some events may be delivered and others not.
  return doneAt === null ? isPending || held !== null : states.includes("delivered");
}

/** The records of a row in an order. @param data the bytes of its events; a pack without them has no records */
export function recordsOf(row: FoundRow, data: Buffer | undefined, order: RecordOrder): readonly Found[] {
  if (row.kind === "pack") return data === undefined ? [] : packRecords(row, data, order);
  const position = { at: row.at, no: row.no, index: 0 };
  const { id, namespace, webhook, received_at: receivedAt, bytes, attempts } = row;
  const known = {
    ...NOTHING_KNOWN,
    id: id ?? "",
    namespace: namespace ?? "",
    webhook: webhook ?? "",
    receivedAt: receivedAt ?? 0,
    bytes: bytes ?? 0,
    attempts: attempts ?? undefined,
  };
  const record = row.kind === "message"
    ? { ...known, state: "in_channel" as const, channel: row.channel ?? undefined }
    : { ...known, state: "dead_letter" as const, diedAt: row.died_at ?? undefined, failure: failureOf(row) };
  return [{ record, position, row, bytes: data }];
}

function failureOf({ reason, message, connection }: FoundRow): AttemptFailure {
  return { code: reason as AttemptFailure["code"], message: message ?? "", connection: connection ?? "" };
}

function packRecords(row: FoundRow, data: Buffer, order: RecordOrder): readonly Found[] {
  const stands = standingsOf(row);
  const found: Found[] = [];
  for (const [index, { start }] of eventStarts(data).entries()) {
    const standing = stands(index);
    if (standing === undefined) continue;
    const { event, end } = readEvent(data, start);
    const { id, namespace, webhook, receivedAt, body } = event;
    found.push({
      record: { ...NOTHING_KNOWN, id, namespace, webhook, receivedAt, bytes: body.length, ...standing },
      position: { at: row.at, no: row.no, index },
      row,
      bytes: data.subarray(start, end),
    });
  }
  return order === "oldest" ? found : found.reverse();
}

type Standing = Pick<EventRecord, "state"> & Partial<EventRecord>;

/** Where the events of a pack stand, by their places; `undefined` for one that stands elsewhere now. */
function standingsOf({ claimed, done_at: doneAt, held }: FoundRow): (index: number) => Standing | undefined {
  if (doneAt !== null) {
    const gone = new Set(undeliveredOf(held));
    return (index) => gone.has(index) ? undefined : { state: "delivered", deliveredAt: doneAt };
  }
  if (held === null) {
    const standing = claimed === true
      ? { state: "under_way", attempts: 1 } as const
      : { state: "waiting", attempts: 0 } as const;
    return () => standing;
  }
  const left = new Map(decodeHeld(JSON.parse(held)).map((event) => [event.index, event]));
  return (index) => {
    const event = left.get(index);
    return event && heldStanding(event);
  };
}

/** The places of a kept pack's events that were not delivered, or have gone. @param held as the row has it */
export function undeliveredOf(held: string | null): readonly number[] {
  return held === null ? [] : JSON.parse(held) as number[];
}

function heldStanding({ attempts, dueAt, failure, progress }: HeldEvent): Standing {
  if (dueAt > 0) return { state: "waiting", attempts, dueAt, failure, progress };
  return { state: attempts > 0 ? "under_way" : "waiting", attempts, failure, progress };
}
