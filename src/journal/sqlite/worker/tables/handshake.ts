/**
 * The table of the secrets that providers have brought, in the worker's thread.
 *
 * @module
 */

import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { LaneKey } from "../../../journal.ts";
import type { StoredHandshake } from "../../protocol.ts";

/** Secrets that providers have brought, by webhook. */
export class HandshakeTable {
  readonly #list: StatementSync;
  readonly #find: StatementSync;
  readonly #keep: StatementSync;
  readonly #markShown: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    this.#list = database.prepare("SELECT namespace, webhook, secret, taken_at, shown FROM handshakes");
    this.#find = database.prepare(
      "SELECT secret, taken_at, shown FROM handshakes WHERE namespace = ? AND webhook = ?",
    );
    this.#keep = database.prepare(
      `INSERT INTO handshakes (namespace, webhook, secret, taken_at, shown) VALUES (?, ?, ?, ?, 0)
        ON CONFLICT DO NOTHING`,
    );
    this.#markShown = database.prepare(
      "UPDATE handshakes SET shown = 1 WHERE namespace = ? AND webhook = ? AND shown = 0",
    );
    this.#forget = database.prepare("DELETE FROM handshakes WHERE namespace = ? AND webhook = ?");
  }

  list(): (LaneKey & StoredHandshake)[] {
    return this.#list.all().map((row) => ({
      namespace: String(row["namespace"]),
      webhook: String(row["webhook"]),
      ...storedOf(row),
    }));
  }

  find({ namespace, webhook }: LaneKey): StoredHandshake | undefined {
    const row = this.#find.get(namespace, webhook);
    return row && storedOf(row);
  }

  /** Returns whether it was kept: not if there is one. */
  keep({ namespace, webhook }: LaneKey, secret: string, takenAt: number): boolean {
    return Number(this.#keep.run(namespace, webhook, secret, Math.floor(takenAt)).changes) === 1;
  }

  /** Returns whether it had not been shown before. */
  markShown({ namespace, webhook }: LaneKey): boolean {
    return Number(this.#markShown.run(namespace, webhook).changes) === 1;
  }

  /** Returns whether there was one. */
  forget({ namespace, webhook }: LaneKey): boolean {
    return Number(this.#forget.run(namespace, webhook).changes) === 1;
  }
}

function storedOf(row: Readonly<Record<string, SQLOutputValue>>): StoredHandshake {
  return {
    secret: String(row["secret"]),
    takenAt: Number(row["taken_at"]),
    isShown: Number(row["shown"]) === 1,
  };
}
