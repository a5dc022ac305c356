/**
 * The table of the channels' messages, in the worker's thread.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { HeldEvent } from "../../../../channels/channel_queues.ts";
import type { AttemptFailure } from "../../../../dead_letters/dead_letters.ts";
import { type Holdings, STORED_BYTES } from "../holdings.ts";
import type { DeadLetterTable } from "./dead_letter.ts";
import { EVENT_COLUMNS, type EventTable, type Row } from "./event.ts";
import type { ReplyOf, RequestOf, StoredLease } from "../../protocol.ts";
import { TransactionCounts } from "../transaction_counts.ts";

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

const EXPIRED = "It stood in the channel for longer than its time to live";

/** A message that an operation names. */
interface Message {
  readonly channel: number;
  readonly sequence: number;
  readonly deliveries: number;
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
  readonly #insert: StatementSync;
  readonly #reveal: StatementSync;
  readonly #select: StatementSync;
  readonly #lease: StatementSync;
  readonly #renew: StatementSync;
  readonly #nextVisible: StatementSync;
  readonly #remove: StatementSync;
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
    this.#insert = database.prepare(
      `INSERT INTO messages (seq, channel, id, visible_at, leased, deliveries, expires_at, lane, bytes)
        SELECT seq, ?, id, ${VISIBLE}, ${FREE}, 0, ?, lane, ${STORED_BYTES} FROM events WHERE seq = ?
        RETURNING lane, bytes`,
    );
    this.#reveal = database.prepare(
      `UPDATE messages SET visible_at = ${VISIBLE}, leased = ${FREE} WHERE seq IN (SELECT seq FROM messages
        WHERE channel = ? AND visible_at > ${VISIBLE} AND visible_at <= ? ORDER BY visible_at LIMIT ${MAX_MOVED})`,
    );
    this.#select = database.prepare(
      `SELECT messages.seq AS seq, deliveries, ${EVENT_COLUMNS}
        FROM messages JOIN events ON events.seq = messages.seq
        WHERE channel = ? AND visible_at = ${VISIBLE} AND expires_at > ? ORDER BY messages.seq LIMIT ?`,
    );
    this.#lease = database.prepare(
      "UPDATE messages SET visible_at = ?, leased = ?, deliveries = deliveries + 1 WHERE seq = ?",
    );
    this.#renew = database.prepare("UPDATE messages SET visible_at = ? WHERE seq = ? AND leased = ?");
    this.#nextVisible = database.prepare(
      `SELECT visible_at FROM messages WHERE channel = ? AND visible_at > ${VISIBLE}
        ORDER BY visible_at LIMIT 1`,
    );
    this.#remove = database.prepare("DELETE FROM messages WHERE seq = ? RETURNING lane, bytes");
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

  /** @param free what nobody holds of the file, in bytes; `Infinity` for a message that is taken over */
  enqueue(
    { channel, event, ttlMs, maxSize }: RequestOf<"enqueue">,
    now: number,
    free: number,
  ): ReplyOf<"enqueue"> {
    const id = this.#ensureChannel(channel);
    if (this.#find.get(id, event.id) !== undefined) return "repeated";
    if (this.#counts.get(id) >= maxSize) return "full";
    if (this.#holdings.isBeyondShare(this.#events.laneOf(event), free)) return "beyond_share";
    const sequence = this.#events.insert(event);
    const added = this.#insert.get(id, Math.ceil(now + ttlMs), sequence);
    this.#holdings.add(Number(added?.["lane"]), Number(added?.["bytes"]));
    this.#counts.add(id, 1);
    return "added";
  }

  lease(
    { channel, limit, visibilityMs, bytes, isTimed }: RequestOf<"lease">,
    now: number,
  ): ReplyOf<"lease"> {
    const id = this.#channel(channel);
    if (id === undefined) return { events: [], nextVisibleAt: undefined };
    this.#reveal.run(id, now);
    const leased: StoredLease[] = [];
    for (const row of this.#oldestRows(id, now, limit, bytes)) {
      this.#lease.run(Math.ceil(now + visibilityMs), isTimed ? TIMED : HELD, Number(row["seq"]));
      leased.push({ event: this.#events.restore(row), delivery: Number(row["deliveries"]) + 1 });
    }
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
    const removed: number[] = [];
    const known = this.#each(channel, tags.map(named), (message) => {
      this.#take(message.channel, message.sequence);
      removed.push(message.sequence);
    });
    this.#events.removeMany(removed);
    return known;
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
  }

  rollback(): void {
    this.#counts.rollback();
    this.#ids.clear();
  }

  /** The rows that may be leased, until they have so many bytes: the others are not even read. */
  #oldestRows(channel: number, now: number, limit: number, bytes: number): readonly Row[] {
    const rows: Row[] = [];
    let size = 0;
    for (const row of this.#select.iterate(channel, now, limit) as Iterable<Row>) {
      rows.push(row);
      size += (row["body"] as { readonly length: number }).length;
      if (size >= bytes) break;
    }
    return rows;
  }

  #take(channel: number, sequence: number): void {
    const taken = this.#remove.get(sequence);
    if (taken !== undefined) this.#holdings.add(Number(taken["lane"]), -Number(taken["bytes"]));
    this.#counts.add(channel, -1);
  }

  /** Does something with each message that stands there as it is named. Returns their tags, each once. */
  #each(channel: string, events: readonly HeldEvent[], act: (message: Message) => void): string[] {
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
