import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Keys of repeated events, by lane. */
export class IdempotencyTable {
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #removeExpired: StatementSync;

  constructor(database: DatabaseSync) {
    this.#find = database.prepare(
      "SELECT event_id FROM idempotency WHERE lane = ? AND key = ? AND expires_at > ?",
    );
    this.#put = database.prepare(
      `INSERT INTO idempotency (lane, key, event_id, expires_at) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET event_id = excluded.event_id, expires_at = excluded.expires_at`,
    );
    this.#removeExpired = database.prepare(
      `DELETE FROM idempotency WHERE (lane, key) IN
        (SELECT lane, key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`,
    );
  }

  /** The event that had the key and is still remembered. */
  find(lane: number, key: Uint8Array, now: number): string | undefined {
    const row = this.#find.get(lane, key, now);
    return row === undefined ? undefined : String(row["event_id"]);
  }

  put(lane: number, key: Uint8Array, eventId: string, expiresAt: number): void {
    this.#put.run(lane, key, eventId, Math.ceil(expiresAt));
  }

  /** Returns how many were removed. */
  removeExpired(limit: number, now: number): number {
    return Number(this.#removeExpired.run(now, limit).changes);
  }
}
