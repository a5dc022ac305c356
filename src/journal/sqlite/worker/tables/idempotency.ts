/**
 * What repeated events are recognised by, in the worker's thread.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { RepeatKey } from "../../../../event/repeat_key.ts";
import type { RecalledKey } from "../../../journal.ts";
import { type AddedKey, KeyRuns } from "./key_runs.ts";

/**
 * What senders have signed has a name that begins so; all other keys, which may have any length, have their digest,
 * which is no text like that.
 */
const SIGNED = "signed ";

/** The end of all texts that begin with it. */
const SIGNED_END = "signed!";

/** Keys that stand in runs; memory has a place for each, about 40 bytes. */
const MAX_RECENT = 500_000;

/** Keys that are sorted at once, as there are too many. */
const SORTED_AT_ONCE = 1_024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Keys of events, by lane: the newest in runs, and the others sorted, in a table that grows without taking memory. A
 * key that is in both is newer in its run.
 */
export class IdempotencyTable {
  readonly #runs: KeyRuns;
  readonly #maxRecent: number;
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #recall: StatementSync;
  readonly #removeExpired: StatementSync;
  readonly #any: StatementSync;
  #isSortedEmpty: boolean;

  constructor(database: DatabaseSync, maxRecent: number = MAX_RECENT) {
    this.#runs = new KeyRuns(database);
    this.#maxRecent = maxRecent;
    this.#find = database.prepare(
      "SELECT event_id FROM idempotency WHERE lane = ? AND key = ? AND expires_at > ?",
    );
    this.#put = database.prepare(
      `INSERT INTO idempotency (lane, key, event_id, expires_at) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET event_id = excluded.event_id, expires_at = excluded.expires_at`,
    );
    this.#recall = database.prepare(
      `SELECT key, event_id, expires_at FROM idempotency
        WHERE lane = ? AND key >= ? AND key < ? AND expires_at > ? ORDER BY expires_at DESC LIMIT ?`,
    );
    this.#removeExpired = database.prepare(
      `DELETE FROM idempotency WHERE (lane, key) IN
        (SELECT lane, key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`,
    );
    this.#any = database.prepare("SELECT 1 FROM idempotency LIMIT 1");
    this.#isSortedEmpty = this.#any.get() === undefined;
  }

  /** The event that had the key and is still remembered. */
  find(lane: number, key: RepeatKey, now: number): string | undefined {
    const name = nameOf(key);
    const found = this.#runs.find(lane, name, now);
    if (found !== undefined || this.#isSortedEmpty) return found;
    const row = this.#find.get(lane, bytesOf(name), now);
    return row === undefined ? undefined : String(row["event_id"]);
  }

  put(lane: number, key: RepeatKey, eventId: string, now: number): void {
    this.#runs.add(lane, nameOf(key), eventId, Math.ceil(now + key.ttlMs), key.ttlMs);
  }

  /** Writes what was put. Must be called before the transaction is committed. */
  flush(): void {
    this.#runs.flush();
    while (this.#runs.size > this.#maxRecent) this.#sort(this.#runs.takeOldest(SORTED_AT_ONCE));
  }

  /** What is remembered of kind `replayed`: the newest so many, the oldest of them first. */
  recall(lane: number, limit: number, now: number): RecalledKey[] {
    this.flush();
    const newest = new Map<string, RecalledKey>();
    for (const { name, eventId, expiresAt } of this.#runs.newestOf(lane)) {
      if (newest.size >= limit) break;
      if (!name.startsWith(SIGNED) || expiresAt <= now || newest.has(name)) continue;
      newest.set(name, { key: name.slice(SIGNED.length), eventId, expiresAt });
    }
    for (const key of this.#recallSorted(lane, limit - newest.size, now)) {
      if (!newest.has(SIGNED + key.key)) newest.set(SIGNED + key.key, key);
    }
    return [...newest.values()].sort((a, b) => a.expiresAt - b.expiresAt);
  }

  #recallSorted(lane: number, limit: number, now: number): RecalledKey[] {
    if (this.#isSortedEmpty || limit === 0) return [];
    const rows = this.#recall.all(lane, encoder.encode(SIGNED), encoder.encode(SIGNED_END), now, limit);
    return rows.map((row) => ({
      key: decoder.decode(row["key"] as Uint8Array).slice(SIGNED.length),
      eventId: String(row["event_id"]),
      expiresAt: Number(row["expires_at"]),
    }));
  }

  /** Removes some of what has expired. Returns whether there may be more. */
  removeExpired(limit: number, now: number): boolean {
    const more = this.#runs.removeExpired(limit, now);
    // As it is before anything is removed: that may be taken back.
    this.#isSortedEmpty = this.#any.get() === undefined;
    if (this.#isSortedEmpty) return more;
    return Number(this.#removeExpired.run(now, limit).changes) === limit || more;
  }

  /** The transaction came through. */
  commit(): void {
    this.#runs.commit();
  }

  /** The transaction was taken back. */
  rollback(): void {
    this.#runs.rollback();
  }

  /** Keys whose neighbours come with them need fewer pages to be written. */
  #sort(keys: AddedKey[]): void {
    keys.sort((a, b) => a.lane - b.lane || (a.name < b.name ? -1 : 1));
    for (const { lane, name, eventId, expiresAt } of keys) {
      this.#put.run(lane, bytesOf(name), eventId, expiresAt);
    }
    this.#isSortedEmpty = false;
  }
}

function nameOf({ repeat, key }: RepeatKey): string {
  return repeat === "replayed" ? SIGNED + key : hash("sha256", key, "base64");
}

/** As it stands in the sorted table. */
function bytesOf(name: string): Uint8Array<ArrayBuffer> {
  return name.startsWith(SIGNED) ? encoder.encode(name) : Uint8Array.fromBase64(name);
}
