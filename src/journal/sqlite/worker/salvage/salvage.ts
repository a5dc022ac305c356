/**
 * Takes the events of a file that was set aside over into the open journal, a slice at a time.
 *
 * @module
 */

import type { AttemptFailure } from "../../../../dead_letters/dead_letters.ts";
import type { ChannelTable } from "../tables/channel.ts";
import type { DeadLetterTable } from "../tables/dead_letter.ts";
import type { EventTable, Row } from "../tables/event.ts";
import { unpackEvents } from "../tables/pack_events.ts";
import type { PendingTable } from "../tables/pending.ts";
import type { PackedEvent, RequestOf, SalvageSlice, StoredBody, StoredEvent } from "../../protocol.ts";
import { SalvageReader } from "./reader.ts";

/** Events of one slice, and of their bodies, so that no transaction is long. */
const EVENTS_PER_SLICE = 500;
const BYTES_PER_SLICE = 4 * 1024 * 1024;

/** The tables that events are taken over into. */
interface Targets {
  readonly events: EventTable;
  readonly pending: PendingTable;
  readonly deadLetters: DeadLetterTable;
  readonly channels: ChannelTable;
}

/** An event, and in which state the file has it. */
interface Found {
  readonly event: StoredEvent;
  /** Its row among the dead letters; `undefined` for one that is pending. */
  readonly dead?: Row | undefined;
  readonly message?: Row | undefined;
  readonly progress: string | null;
}

/** One file is taken over at a time. */
export class Salvage {
  readonly #targets: Targets;
  #path: string | undefined;
  #reader: SalvageReader | undefined;
  #found: Iterator<Found> | undefined;
  #isUncommitted = false;

  constructor(targets: Targets) {
    this.#targets = targets;
  }

  /** Takes a slice over. What is wrong with the file is said there; only errors of the journal itself are thrown. */
  step(request: RequestOf<"salvage">, now: number): SalvageSlice {
    this.#isUncommitted = true;
    const slice = { more: true, pending: 0, deadLetters: 0, messages: 0, isDamaged: false };
    const { found, problem, isAll } = this.#read(request);
    for (const each of found) {
      if (each.message !== undefined) slice.messages += this.#restoreMessage(each, each.message, now);
      else if (each.dead !== undefined) slice.deadLetters += this.#bury(each, each.dead);
      else slice.pending += this.#restore(each);
    }
    if (!isAll) return slice;
    const isDamaged = this.#reader !== undefined && !isWhole(this.#reader);
    this.#end();
    return { ...slice, more: false, isDamaged, ...(problem === undefined ? {} : { problem }) };
  }

  commit(): void {
    this.#isUncommitted = false;
  }

  /** What was read and is not in the journal has to be read again. */
  rollback(): void {
    if (this.#isUncommitted) this.#end();
    this.#isUncommitted = false;
  }

  #end(): void {
    const reader = this.#reader;
    this.#reader = this.#found = this.#path = undefined;
    reader?.[Symbol.dispose]();
  }

  #read({ path, begins }: RequestOf<"salvage">): { found: Found[]; isAll: boolean; problem?: string } {
    const found: Found[] = [];
    try {
      if (begins) this.#begin(path);
      else if (path !== this.#path) throw new Error("It was interrupted: begin again");
      for (let bytes = 0; found.length < EVENTS_PER_SLICE && bytes < BYTES_PER_SLICE;) {
        const next = this.#found!.next();
        if (next.done === true) return { found, isAll: true };
        bytes += next.value.event.body.length;
        found.push(next.value);
      }
      return { found, isAll: false };
    } catch (error) {
      return { found, isAll: true, problem: error instanceof Error ? error.message : String(error) };
    }
  }

  #begin(path: string): void {
    this.#end();
    this.#reader = new SalvageReader(path);
    this.#path = path;
    this.#found = read(this.#reader);
  }

  #restore({ event, progress }: Found): number {
    const sequence = this.#targets.events.insert(event);
    this.#targets.pending.add(sequence, progress);
    return 1;
  }

  #bury({ event, progress }: Found, dead: Row): number {
    const failure = {
      code: String(dead["reason"]) as AttemptFailure["code"],
      message: String(dead["message"]),
      connection: String(dead["connection"]),
    };
    const sequence = this.#targets.events.insert(event);
    this.#targets.deadLetters.addEvent(sequence, failure, Number(dead["attempts"]), progress);
    return 1;
  }

  #restoreMessage({ event }: Found, message: Row, now: number): number {
    const outcome = this.#targets.channels.enqueue(
      {
        channel: String(message["channel"]),
        event,
        ttlMs: Math.max(0, Number(message["expires_at"]) - now),
        maxSize: Infinity,
      },
      now,
      Infinity,
    );
    return outcome === "added" ? 1 : 0;
  }
}

const TABLES = ["lanes", "channels", "pending", "dead", "messages", "packs", "events"] as const;

function isWhole(reader: SalvageReader): boolean {
  return TABLES.every((table) => reader.isComplete(table));
}

/** Every event that is not finished. Where that is not known any more, it counts as pending. */
function* read(reader: SalvageReader): Generator<Found> {
  const lanes = new Map(
    Array.from(reader.rows("lanes"), (row) => [Number(row["id"]), {
      namespace: String(row["namespace"]),
      webhook: String(row["webhook"]),
    }]),
  );
  const by = (table: "pending" | "dead" | "messages") =>
    new Map(Array.from(reader.rows(table), (row) => [Number(row["seq"]), row]));
  const [pending, dead, messages] = [by("pending"), by("dead"), by("messages")];
  const channels = new Map(
    Array.from(reader.rows("channels"), (row) => [Number(row["id"]), String(row["name"])]),
  );
  const mayBePending = !reader.isComplete("pending");
  for (const pack of reader.rows("packs")) {
    const lane = lanes.get(Number(pack["lane"]));
    if (lane === undefined) continue;
    for (const { event, state } of leftOf(pack, pending, mayBePending)) {
      if (!isSound(event)) continue;
      yield { event: { ...event, ...lane }, progress: (state?.["progress"] ?? null) as string | null };
    }
  }
  for (const row of reader.rows("events")) {
    const sequence = Number(row["seq"]);
    const lane = lanes.get(Number(row["lane"]));
    const state = pending.get(sequence) ?? dead.get(sequence);
    const message = messages.get(sequence);
    // Without its channel's name it goes there as it first did: through its webhook.
    const channel = channels.get(Number(message?.["channel"]));
    if (lane === undefined || state === undefined && message === undefined && !mayBePending) continue;
    const event = {
      id: String(row["id"]),
      ...lane,
      receivedAt: Number(row["received_at"]),
      headers: String(row["headers"]),
      body: row["body"] as StoredBody,
    };
    if (!isSound(event)) continue;
    yield {
      event,
      dead: dead.get(sequence),
      message: channel === undefined ? undefined : { ...message, channel },
      progress: (state?.["progress"] ?? null) as string | null,
    };
  }
}

/**
 * The events of a pack that are not done, each with its row in `pending` if it has one.
 *
 * @param mayBePending whether rows are missing: an event without one is then not known to be done
 */
function leftOf(
  pack: Row,
  pending: ReadonlyMap<number, Row>,
  mayBePending: boolean,
): readonly { readonly event: PackedEvent; readonly state: Row | undefined }[] {
  const first = Number(pack["first"]);
  const all = eventsOf(pack).map((event, index) => {
    const state = pending.get(first + index);
    // One with a row in `events` is found there. Before the tenth version there were no others.
    return { event, state, isHere: state !== undefined && state["pack"] === first };
  });
  const isHeld = all.some(({ isHere }) => isHere);
  return all.filter(({ state, isHere }) => isHere || state === undefined && (!isHeld || mayBePending));
}

/** The events of a pack; none where what it says of them is damaged. */
function eventsOf(pack: Row): readonly PackedEvent[] {
  try {
    const fields = String(pack["fields"]);
    return unpackEvents({ fields, data: pack["data"] as Uint8Array<ArrayBuffer> });
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    return [];
  }
}

/** Whether an event can be delivered: what a damaged page holds may be anything. */
function isSound({ id, headers, body }: Pick<StoredEvent, "id" | "headers" | "body">): boolean {
  if (id === "" || typeof body !== "string" && !(body instanceof Uint8Array)) return false;
  try {
    const pairs: unknown = JSON.parse(headers);
    return Array.isArray(pairs) && pairs.every((pair) => Array.isArray(pair) && pair.length === 2);
  } catch {
    return false;
  }
}
