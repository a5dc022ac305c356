/**
 * The table of what repeated events are recognised by, in the worker's thread.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { RepeatKey } from "../../../../event/repeat_key.ts";
import type { RecalledKey } from "../../../journal.ts";

/**
 * What senders have signed is stored as text that begins so; all other keys, which may have any length, as digests of 32
 * bytes, none of which is a text like that.
 */
const SIGNED = "signed ";

/** The end of all texts that begin with it. */
const SIGNED_END = "signed!";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Keys of events, by lane. */
export class IdempotencyTable {
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #recall: StatementSync;
  readonly #removeExpired: StatementSync;

  constructor(database: DatabaseSync) {
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
  }

  /** The event that had the key and is still remembered. */
  find(lane: number, key: RepeatKey, now: number): string | undefined {
    const row = this.#find.get(lane, stored(key), now);
    return row === undefined ? undefined : String(row["event_id"]);
  }

  put(lane: number, key: RepeatKey, eventId: string, now: number): void {
    this.#put.run(lane, stored(key), eventId, Math.ceil(now + key.ttlMs));
  }

  /** What is remembered of kind `replayed`: the newest so many, the oldest of them first. */
  recall(lane: number, limit: number, now: number): RecalledKey[] {
    const rows = this.#recall.all(lane, encoder.encode(SIGNED), encoder.encode(SIGNED_END), now, limit);
    return rows.reverse().map((row) => ({
      key: decoder.decode(row["key"] as Uint8Array).slice(SIGNED.length),
      eventId: String(row["event_id"]),
      expiresAt: Number(row["expires_at"]),
    }));
  }

  /** Returns how many were removed. */
  removeExpired(limit: number, now: number): number {
    return Number(this.#removeExpired.run(now, limit).changes);
  }
}

function stored({ repeat, key }: RepeatKey): Uint8Array<ArrayBuffer> {
  return repeat === "replayed"
    ? encoder.encode(SIGNED + key)
    : Uint8Array.fromHex(hash("sha256", key, "hex"));
}
