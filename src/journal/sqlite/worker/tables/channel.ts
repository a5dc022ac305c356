/**
 * The table of the channels' messages, in the worker's thread.
 *
 * @module
 */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { HeldEvent } from "../../../../channels/channel_queues.ts";
import type { AttemptFailure } from "../../../../dead_letters/dead_letters.ts";
import { type Holdings, storedBytes } from "../holdings.ts";
import type { DeadLetterTable } from "./dead_letter.ts";
import { EVENT_COLUMNS, type EventTable, type Row } from "./event.ts";
import type { ReplyOf, RequestOf, StoredLease } from "../../protocol.ts";
import { TransactionCounts } from "../transaction_counts.ts";
import { RowInserter } from "./row_inserter.ts";

/** `visible_at` of a message that may be leased; any other one is hidden until that time. */
const VISIBLE = 0;

/** Messages that are made visible, or expired, at a time, so that no transaction is long. */
const MAX_MOVED = 10_000;

/** The longest lease or pause that a consumer may ask for (`relay/pull/requests.ts`), in milliseconds. */
const MAX_HIDDEN_MS = 3_600_000;

/**
 * `leased` of a message: nobody holds it; a consumer does until its process, or this one, ends; or it does until
 * `visible_at`, whatever happens to a process.
 */
const FREE = 0;
const HELD = 1;
const TIMED = 2;

/**
 * From this length on the body of an event is read for its lease, although the same commit has brought it: a large one
 * that the gateway has stored is not its own any more.
 */
const LARGE_LENGTH = 16 * 1024;

const EXPIRED = "It stood in the channel for longer than its time to live";

/** A message that an operation names. */
interface Message {
  readonly channel: number;
  readonly sequence: number;
  readonly deliveries: number;
}

/** A message that the open transaction has brought. */
interface Arrival {
  /** Which of the commit's operations it was; `undefined` for one that is taken over. */
  readonly operation: number | undefined;
  readonly length: number;
}

/** A row of `messages` that is not written yet. */
interface UnwrittenRow {
  readonly sequence: number;
  readonly channel: number;
  readonly id: string;
  readonly expiresAt: number;
  readonly lane: number;
  readonly bytes: number;
  visibleAt: number;
  leased: number;
  deliveries: number;
}

/** The messages of all channels. A message's tag is its event's id, which a channel holds only once. */
export class ChannelTable {
  readonly #events: EventTable;
  readonly #deadLetters: DeadLetterTable;
  readonly #holdings: Holdings;
  readonly #counts = new TransactionCounts();
  readonly #ids = new Map<string, number>();
  readonly #findChannel: StatementSync;
  readonly #insertChannel: StatementSync;
  readonly #getChannel: StatementSync;
  readonly #find: StatementSync;
  readonly #inserter: RowInserter;
  /** Rows of the open transaction that are not written yet, and the tags in them with their channels'. */
  readonly #unwritten: UnwrittenRow[] = [];
  readonly #unwrittenTags = new Set<string>();
  /** By sequence. */
  readonly #arrivals = new Map<number, Arrival>();
  readonly #reveal: StatementSync;
  readonly #select: StatementSync;
  readonly #read: StatementSync;
  readonly #lease: StatementSync;
  readonly #renew: StatementSync;
  readonly #nextVisible: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeMany: StatementSync;
  readonly #release: StatementSync;
  readonly #takeBack: StatementSync;
  readonly #expired: StatementSync;
  readonly #leased: StatementSync;
  readonly #oldest: StatementSync;

  constructor(
    database: DatabaseSync,
    events: EventTable,
    deadLetters: DeadLetterTable,
    holdings: Holdings,
  ) {
    this.#events = events;
    this.#deadLetters = deadLetters;
    this.#holdings = holdings;
    this.#findChannel = database.prepare("SELECT id FROM channels WHERE name = ?");
    this.#insertChannel = database.prepare("INSERT INTO channels (name) VALUES (?)");
    this.#getChannel = database.prepare("SELECT name FROM channels WHERE id = ?");
    this.#find = database.prepare(
      "SELECT seq, deliveries, leased FROM messages WHERE channel = ? AND id = ?",
    );
    this.#inserter = new RowInserter(database, "messages", [
      ...["seq", "channel", "id", "visible_at", "leased", "deliveries", "expires_at", "lane", "bytes"],
    ]);
    this.#reveal = database.prepare(
      `UPDATE messages SET visible_at = ${VISIBLE}, leased = ${FREE} WHERE seq IN (SELECT seq FROM messages
        WHERE channel = ? AND visible_at > ${VISIBLE} AND visible_at <= ? ORDER BY visible_at LIMIT ${MAX_MOVED})`,
    );
    this.#select = database.prepare(
      `SELECT seq, deliveries FROM messages
        WHERE channel = ? AND visible_at = ${VISIBLE} AND expires_at > ? ORDER BY seq LIMIT ?`,
    );
    this.#read = database.prepare(`SELECT ${EVENT_COLUMNS} FROM events WHERE seq = ?`);
    this.#lease = database.prepare(
      `UPDATE messages SET visible_at = ?, leased = ?, deliveries = deliveries + 1
        WHERE seq IN (SELECT value FROM json_each(?))`,
    );
    this.#renew = database.prepare("UPDATE messages SET visible_at = ? WHERE seq = ? AND leased = ?");
    this.#nextVisible = database.prepare(
      `SELECT visible_at FROM messages WHERE channel = ? AND visible_at > ${VISIBLE}
        ORDER BY visible_at LIMIT 1`,
    );
    this.#remove = database.prepare("DELETE FROM messages WHERE seq = ? RETURNING lane, bytes");
    this.#removeMany = database.prepare(
      `DELETE FROM messages WHERE channel = ? AND id IN (SELECT value FROM json_each(?))
        RETURNING seq, id, lane, bytes`,
    );
    this.#release = database.prepare(
      `UPDATE messages SET visible_at = ?, leased = ${FREE} WHERE seq = ?`,
    );
    this.#takeBack = database.prepare(
      `UPDATE messages SET visible_at = ${VISIBLE}, leased = ${FREE}, deliveries = deliveries - 1
        WHERE seq = ? AND leased <> ${FREE}`,
    );
    this.#expired = database.prepare(
      `SELECT seq, channel, deliveries FROM messages
        WHERE expires_at <= ?1 AND (leased = ${FREE} OR visible_at <= ?1) ORDER BY expires_at LIMIT ?2`,
    );
    this.#leased = database.prepare(
      `SELECT count(*) AS count FROM messages WHERE channel = ? AND visible_at > ? AND leased <> ${FREE}`,
    );
    this.#oldest = database.prepare(
      `SELECT received_at FROM events WHERE seq = (SELECT min(seq) FROM (
        SELECT * FROM (SELECT seq FROM messages WHERE channel = ?1 AND visible_at = ${VISIBLE} ORDER BY seq LIMIT 1)
        UNION ALL SELECT seq FROM messages WHERE channel = ?1 AND visible_at > ${VISIBLE}))`,
    );
    const counts = database.prepare("SELECT channel, count(*) AS count FROM messages GROUP BY channel").all();
    this.#counts.load(counts.map((row) => [Number(row["channel"]), Number(row["count"])]));
  }

  /**
   * Ends all leases but timed ones: those that stand in the file were given by a process that has ended. Timed ones
   * and pauses that are longer than any may be end, too: the clock was set back since.
   */
  static releaseLeases(database: DatabaseSync): void {
    database.prepare(
      `UPDATE messages SET visible_at = ${VISIBLE}, leased = ${FREE} WHERE leased = ${HELD} OR visible_at > ?`,
    ).run(Date.now() + MAX_HIDDEN_MS);
  }

  /**
   * @param free what nobody holds of the file, in bytes; `Infinity` for a message that is taken over
   * @param operation which of the commit's operations it is; left out for a message that is taken over
   */
  enqueue(
    { channel, event, ttlMs, maxSize }: RequestOf<"enqueue">,
    now: number,
    free: number,
    operation?: number,
  ): ReplyOf<"enqueue"> {
    const id = this.#ensureChannel(channel);
    const unwritten = `${id} ${event.id}`;
    if (this.#unwrittenTags.has(unwritten) || this.#find.get(id, event.id) !== undefined) return "repeated";
    if (this.#counts.get(id) >= maxSize) return "full";
    const lane = this.#events.laneOf(event);
    if (this.#holdings.isBeyondShare(lane, free)) return "beyond_share";
    const { headers, body } = event;
    const sequence = this.#events.add(event.id, lane, event.receivedAt, headers, body);
    const bytes = storedBytes(headers, body);
    this.#unwritten.push({
      ...{ sequence, channel: id, id: event.id, expiresAt: Math.ceil(now + ttlMs), lane, bytes },
      ...{ visibleAt: VISIBLE, leased: FREE, deliveries: 0 },
    });
    this.#unwrittenTags.add(unwritten);
    this.#arrivals.set(sequence, { operation, length: body.length });
    this.#holdings.add(lane, bytes);
    this.#counts.add(id, 1);
    return "added";
  }

  /** Writes what was enqueued: to be called before the transaction ends. */
  flush(): void {
    if (this.#unwritten.length === 0) return;
    this.#events.flush();
    const values: SQLInputValue[] = [];
    for (const { sequence, channel, id, expiresAt, lane, bytes, ...state } of this.#unwritten) {
      const { visibleAt, leased, deliveries } = state;
      values.push(sequence, channel, id, visibleAt, leased, deliveries, expiresAt, lane, bytes);
    }
    this.#inserter.insert(values);
    this.#unwritten.length = 0;
    this.#unwrittenTags.clear();
  }

  /** Small events that the same commit has brought are named by their operations: the gateway still has them. */
  lease(
    { channel, limit, visibilityMs, bytes, isTimed }: RequestOf<"lease">,
    now: number,
  ): ReplyOf<"lease"> {
    const id = this.#channel(channel);
    if (id === undefined) return { events: [], nextVisibleAt: undefined };
    this.#reveal.run(id, now);
    const sequences: number[] = [];
    const leased: StoredLease[] = [];
    const until = Math.ceil(now + visibilityMs);
    const holder = isTimed ? TIMED : HELD;
    let size = 0;
    for (const row of this.#select.all(id, now, limit)) {
      if (size >= bytes) break;
      const sequence = Number(row["seq"]);
      const { event, length } = this.#eventOf(sequence);
      size += length;
      sequences.push(sequence);
      leased.push({ event, delivery: Number(row["deliveries"]) + 1 });
    }
    if (sequences.length > 0) this.#lease.run(until, holder, JSON.stringify(sequences));
    // What is not written yet is younger than all that is. It is written once, as leased.
    for (const row of this.#unwritten) {
      if (size >= bytes || leased.length >= limit) break;
      if (row.channel !== id || row.visibleAt !== VISIBLE || row.expiresAt <= now) continue;
      const { event, length } = this.#eventOf(row.sequence);
      size += length;
      row.visibleAt = until;
      row.leased = holder;
      row.deliveries = 1;
      leased.push({ event, delivery: 1 });
    }
    this.flush();
    const next = this.#nextVisible.get(id);
    return { events: leased, nextVisibleAt: next && Number(next["visible_at"]) };
  }

  /** Returns the tags that still stand in the channel. */
  renew({ channel, tags, visibilityMs }: RequestOf<"renew">, now: number): ReplyOf<"renew"> {
    const until = Math.ceil(now + visibilityMs);
    return this.#each(channel, tags.map(named), ({ sequence }) => this.#renew.run(until, sequence, HELD));
  }

  extend({ channel, events, visibilityMs }: RequestOf<"extend">, now: number): ReplyOf<"extend"> {
    const until = Math.ceil(now + visibilityMs);
    return this.#each(channel, events, ({ sequence }) => this.#renew.run(until, sequence, TIMED));
  }

  acknowledge({ channel, tags }: RequestOf<"acknowledge">): ReplyOf<"acknowledge"> {
    this.flush();
    const id = this.#channel(channel);
    if (id === undefined) return [];
    const removed = this.#removeMany.all(id, JSON.stringify(tags));
    for (const row of removed) this.#holdings.add(Number(row["lane"]), -Number(row["bytes"]));
    this.#counts.add(id, -removed.length);
    this.#events.removeMany(removed.map((row) => Number(row["seq"])));
    const known = new Set(removed.map((row) => String(row["id"])));
    return tags.filter((tag) => known.delete(tag));
  }

  release({ channel, events, delayMs }: RequestOf<"release">, now: number): ReplyOf<"release"> {
    const visibleAt = delayMs > 0 ? Math.ceil(now + delayMs) : VISIBLE;
    return this.#each(channel, events, ({ sequence }) => this.#release.run(visibleAt, sequence));
  }

  takeBack({ channel, tags }: RequestOf<"takeBack">): ReplyOf<"takeBack"> {
    return this.#each(channel, tags.map(named), ({ sequence }) => this.#takeBack.run(sequence));
  }

  /** Moves messages to the dead letters. */
  reject({ channel, events, failure, attempts }: RequestOf<"reject">): ReplyOf<"reject"> {
    return this.#each(channel, events, (message) => {
      this.#take(message.channel, message.sequence);
      this.#deadLetters.addEvent(message.sequence, failure, attempts ?? message.deliveries);
    });
  }

  /** Moves messages whose time is over to the dead letters, and returns how many. */
  expire(limit: number, now: number): number {
    this.flush();
    const rows = this.#expired.all(now, limit) as Row[];
    for (const row of rows) {
      const channel = Number(row["channel"]);
      this.#take(channel, Number(row["seq"]));
      const connection = String(this.#getChannel.get(channel)?.["name"] ?? "");
      const failure: AttemptFailure = { code: "expired", message: EXPIRED, connection };
      this.#deadLetters.addEvent(Number(row["seq"]), failure, Number(row["deliveries"]));
    }
    return rows.length;
  }

  depth(channel: string, now: number): ReplyOf<"depth"> {
    this.flush();
    const id = this.#channel(channel);
    if (id === undefined) return { ready: 0, leased: 0, oldestReceivedAt: undefined };
    const leased = Number(this.#leased.get(id, now)?.["count"]);
    const oldest = this.#oldest.get(id);
    return {
      ready: this.#counts.get(id) - leased,
      leased,
      oldestReceivedAt: oldest && Number(oldest["received_at"]),
    };
  }

  /** Channels that hold messages. */
  names(): string[] {
    return [...this.#counts.entries()].map(([id]) => String(this.#getChannel.get(id)?.["name"]));
  }

  commit(): void {
    this.#counts.commit();
    this.#arrivals.clear();
  }

  rollback(): void {
    this.#counts.rollback();
    this.#unwritten.length = 0;
    this.#unwrittenTags.clear();
    this.#arrivals.clear();
    this.#ids.clear();
  }

  /** An event, or the operation that has brought it, and the length of its body. */
  #eventOf(sequence: number): { readonly event: StoredLease["event"]; readonly length: number } {
    const { operation, length = 0 } = this.#arrivals.get(sequence) ?? {};
    if (operation !== undefined && length < LARGE_LENGTH) return { event: operation, length };
    this.#events.flush();
    const event = this.#events.restore(this.#read.get(sequence)!);
    return { event, length: event.body.length };
  }

  #take(channel: number, sequence: number): void {
    const taken = this.#remove.get(sequence);
    if (taken !== undefined) this.#holdings.add(Number(taken["lane"]), -Number(taken["bytes"]));
    this.#counts.add(channel, -1);
  }

  /** Does something with each message that stands there as it is named. Returns their tags, each once. */
  #each(channel: string, events: readonly HeldEvent[], act: (message: Message) => void): string[] {
    this.flush();
    const id = this.#channel(channel);
    if (id === undefined) return [];
    const known = new Set<string>();
    for (const held of events) {
      const message = known.has(held.tag) ? undefined : this.#message(id, held);
      if (message === undefined) continue;
      act(message);
      known.add(held.tag);
    }
    return [...known];
  }

  #message(channel: number, { tag, delivery }: HeldEvent): Message | undefined {
    const row = this.#find.get(channel, tag);
    if (row === undefined) return undefined;
    const deliveries = Number(row["deliveries"]);
    if (delivery !== undefined && (row["leased"] !== TIMED || deliveries !== delivery)) return undefined;
    return { channel, sequence: Number(row["seq"]), deliveries };
  }

  #channel(name: string): number | undefined {
    const cached = this.#ids.get(name);
    if (cached !== undefined) return cached;
    const row = this.#findChannel.get(name);
    if (row === undefined) return undefined;
    this.#ids.set(name, Number(row["id"]));
    return Number(row["id"]);
  }

  #ensureChannel(name: string): number {
    const found = this.#channel(name);
    if (found !== undefined) return found;
    const id = Number(this.#insertChannel.run(name).lastInsertRowid);
    this.#ids.set(name, id);
    return id;
  }
}

function named(tag: string): HeldEvent {
  return { tag };
}
