/**
 * Takes events of this gateway's packs that wait out of the tables.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Claimed, ClaimLimit, LaneKey, PendingEvent } from "../../journal.ts";
import type { PostgresClient } from "../../../io/postgres/client.ts";
import type { PostgresConnection } from "../connection/connection.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import { eventStarts, readEvent } from "../event_bytes.ts";
import type { HeapItem } from "./number_heap.ts";
import { type Pack, sequenceOf } from "./pack.ts";
import { OWN_PACKS, readPackRows, STORED_PACK, type StoredPack } from "./pack_rows.ts";
import { type Packs, restorePack } from "./packs.ts";
import type { WaitingLane } from "./waiting_lane.ts";

/** Packs that are read at once: at first, and where they are small. */
const READ_FIRST = 16;
const MOST_READ = 256;

/** How much is read at once, in bytes, besides one pack of any size. */
const READ_BYTES = 2 * 1024 * 1024;

/** Packs that are larger, in bytes, are read one by one, once their turn has come. */
const LARGE_BYTES = 256 * 1024;

/** How long a read may take, in milliseconds. */
const READ_TIMEOUT_MS = 10_000;

/** Packs with their events, but for those that are large. */
export const READ = prepared(
  `select ${STORED_PACK}, case when octet_length(p.data) <= $3 then p.data end as data from ${OWN_PACKS}`,
);

interface ReadPack {
  readonly pack: Pack;
  /** `undefined` where it is larger than what is read at once. */
  readonly data: Buffer | undefined;
}

/** What {@linkcode Claims} works with. */
export interface ClaimsOptions {
  readonly connection: PostgresConnection;
  readonly packs: Packs;
  /** The number of this gateway, while it has one. */
  readonly owner: () => number | undefined;
  /**
   * Gets what other gateways have appended to a lane that this one holds. Returns the greatest number of a pack that all
   * packs are here which belong before; `undefined` while that cannot be said.
   */
  readonly takeUnread: (lane: WaitingLane) => Promise<number | undefined>;
  /** Resolves when what was claimed is committed. */
  readonly record: () => Promise<void>;
  readonly now: () => number;
}

/** One claim on its way. */
interface Claiming {
  readonly lane: WaitingLane;
  readonly limit: ClaimLimit;
  readonly now: number;
  readonly taken: { readonly pack: Pack; readonly index: number; readonly pending: PendingEvent }[];
  /** Of the bodies of those. */
  bytes: number;
  /** Packs that were read, and their bytes. */
  packs: number;
  packBytes: number;
}

const NOTHING: Claimed = { events: [], nextDueAt: undefined };

/** Claims events, for one lane after the other: nobody else reads packs that may change meanwhile. */
export class Claims {
  readonly #options: ClaimsOptions;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** @throws {PostgresError} when the server cannot be asked */
  async claim(key: LaneKey, limit: ClaimLimit): Promise<Claimed> {
    const { packs, record, now } = this.#options;
    const lane = packs.findLane(key);
    if (lane === undefined) return NOTHING;
    const claiming: Claiming = { lane, limit, now: now(), taken: [], bytes: 0, packs: 0, packBytes: 0 };
    const turn = this.#turn.then(() => this.#fill(claiming));
    this.#turn = turn.catch(() => {}); // Whoever waits for it gets it.
    // To the end: until whoever claims has the events, none that is appended may go before them.
    lane.claiming++;
    try {
      const life = await turn;
      if (claiming.taken.length > 0) await record();
      if (packs.life !== life) return NOTHING;
      return { events: claiming.taken.map(({ pending }) => pending), nextDueAt: lane.nextDueAt };
    } finally {
      lane.claiming--;
    }
  }

  /**
   * Ends events of packs, undelivered. Those that do not wait here stay: they are claimed, or another gateway's.
   *
   * @param wanted the places of events by the numbers of their packs
   * @returns the lane of each event that is gone
   * @throws {PostgresError} when the server cannot be asked
   */
  async drop(wanted: ReadonlyMap<number, readonly number[]>): Promise<readonly LaneKey[]> {
    const { packs, record } = this.#options;
    const { life } = packs;
    const turn = this.#turn.then(() => this.#drop(wanted));
    this.#turn = turn.catch(() => {}); // Whoever waits for it gets it.
    const dropped = await turn;
    if (dropped.length > 0) await record();
    return packs.life === life ? dropped : [];
  }

  async #drop(wanted: ReadonlyMap<number, readonly number[]>): Promise<LaneKey[]> {
    const { packs } = this.#options;
    const dropped: LaneKey[] = [];
    const numbers = Array.from(wanted.keys(), (no) => ({ no }));
    for (let start = 0; start < numbers.length; start += READ_FIRST) {
      const { life } = packs;
      const read = await this.#read(numbers.slice(start, start + READ_FIRST));
      if (packs.life !== life) break;
      for (const { pack } of read.values()) {
        for (const index of wanted.get(pack.no) ?? []) {
          if (packs.drop(pack, index)) dropped.push(pack.lanes[index]!.key);
        }
      }
    }
    return dropped;
  }

  /** @returns the life of the packs that it was done in */
  async #fill(claiming: Claiming): Promise<number> {
    const { packs, takeUnread } = this.#options;
    const { lane, taken } = claiming;
    const { life } = packs;
    for (let upTo = -Infinity; taken.length === 0 && lane.isDueBeyond(upTo);) {
      // What is appended meanwhile may belong behind something that is not here yet.
      const found = lane.isHeld ? await takeUnread(lane) : Infinity;
      if (found === undefined || packs.life !== life) break;
      upTo = found;
      await this.#fillUpTo(claiming, upTo);
    }
    return life;
  }

  /** @param upTo the greatest number of a pack */
  async #fillUpTo(claiming: Claiming, upTo: number): Promise<void> {
    const { packs } = this.#options;
    const { lane, limit, now, taken } = claiming;
    const { life } = packs;
    let hasRoom = true;
    while (hasRoom && taken.length < limit.events) {
      const items = lane.next(packsToRead(claiming), now, limit.early, limit.longestPauseMs, upTo);
      if (items.length === 0) break;
      try {
        hasRoom = await this.#takeAll(claiming, items);
      } catch (error) {
        // What was taken before is on its way.
        if (taken.length === 0) throw error;
        break;
      }
      if (packs.life !== life) break;
    }
  }

  /** Claims of packs what there is room for; what there is none for waits again. */
  async #takeAll(claiming: Claiming, items: readonly HeapItem[]): Promise<boolean> {
    const { packs } = this.#options;
    const { life } = packs;
    const { lane } = claiming;
    let done = 0;
    let hasRoom = true;
    try {
      const read = await this.#read(items);
      while (hasRoom && done < items.length && packs.life === life) {
        const found = read.get(items[done]!.no);
        if (found !== undefined) {
          claiming.packs++;
          claiming.packBytes += found.pack.bytes;
          hasRoom = await this.#take(claiming, found);
        }
        done++;
      }
      return hasRoom;
    } finally {
      if (packs.life === life) {
        for (const { no, oldestAt } of items.slice(done)) lane.wait(no, oldestAt, 0);
      }
    }
  }

  async #read(items: readonly Pick<HeapItem, "no">[]): Promise<ReadonlyMap<number, ReadPack>> {
    const { packs } = this.#options;
    // What is in memory now knows more than what is read, even if it is put away meanwhile.
    const known = new Map(items.map(({ no }) => [no, packs.find(no)]));
    return await this.#use(async (client, owner) => {
      const values = [owner, [...known.keys()], LARGE_BYTES];
      const { rows } = await client.query<StoredPack & { readonly data: Buffer | null }>(READ, values);
      const described = await readPackRows(client, packs, rows);
      return new Map(described.map((row, index) => {
        const pack = known.get(row.no) ?? restorePack(row);
        return [row.no, { pack, data: rows[index]!.data ?? undefined }];
      }));
    });
  }

  /** Claims of a pack what there is room for. @returns whether there may be room for more */
  async #take(claiming: Claiming, { pack, data: read }: ReadPack): Promise<boolean> {
    const { lane, limit, now } = claiming;
    const places = pack.claimable(lane, now, limit.early, limit.longestPauseMs);
    let hasRoom = true;
    if (places.length > 0) {
      const { life } = this.#options.packs;
      const data = read ?? await this.#readLarge(claiming, pack);
      if (this.#options.packs.life !== life) return false;
      hasRoom = data !== undefined && this.#takePlaces(claiming, pack, places, data);
    }
    const next = pack.nextDueAt(lane);
    if (next !== undefined) lane.wait(pack.no, pack.oldestAt, next <= now ? 0 : next);
    return hasRoom;
  }

  #takePlaces(claiming: Claiming, pack: Pack, places: readonly number[], data: Buffer): boolean {
    const { limit, taken } = claiming;
    const starts = eventStarts(data);
    for (const index of places) {
      const { start, bodyLength } = starts[index]!;
      const isFirst = taken.length === 0;
      const isTooMuch = isFirst
        ? bodyLength > (limit.largest ?? Infinity)
        : taken.length >= limit.events || claiming.bytes + bodyLength > limit.bytes;
      if (isTooMuch) return false;
      const { event } = readEvent(data, start);
      this.#options.packs.claim(pack, index, event);
      claiming.bytes += bodyLength;
      const sequence = sequenceOf(pack.no, index);
      const pending = { sequence, event, attempts: pack.attemptsOf(index), progress: pack.progressOf(index) };
      taken.push({ pack, index, pending });
    }
    return true;
  }

  /** `undefined` where there is no room for it. */
  async #readLarge(
    { limit, taken, bytes }: Claiming,
    { no, bytes: length }: Pack,
  ): Promise<Buffer | undefined> {
    const room = taken.length === 0 ? limit.largest ?? Infinity : limit.bytes - bytes;
    if (length > room + LARGE_BYTES) return undefined;
    return await this.#use(async (client, owner) => {
      const { rows: [row] } = await client.query<{ readonly data: Buffer }>(READ, [owner, [no], 2 ** 31 - 1]);
      return row?.data;
    });
  }

  async #use<Result>(work: (client: PostgresClient, owner: number) => Promise<Result>): Promise<Result> {
    const { connection, owner } = this.#options;
    return await connection.use((client) => work(client, owner() ?? 0), AbortSignal.timeout(READ_TIMEOUT_MS));
  }
}

/** How many packs are read next: as many as may be needed, going by those that were read before. */
function packsToRead({ limit, taken, packs, packBytes }: Claiming): number {
  const events = limit.events - taken.length;
  if (packs === 0 || taken.length === 0) return Math.min(READ_FIRST, events);
  const needed = Math.ceil(events / (taken.length / packs));
  return Math.max(1, Math.min(MOST_READ, needed, Math.floor(READ_BYTES / (packBytes / packs))));
}
