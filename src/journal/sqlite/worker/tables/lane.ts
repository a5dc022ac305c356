/**
 * The table that numbers webhooks, in the worker's thread.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { LaneKey } from "../../../journal.ts";

/** Most lanes that are kept in memory: webhooks come and go, their number is not bounded. */
const MAX_CACHED = 100_000;

/** The numbers that stand for webhooks in the other tables. */
export class LaneTable {
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #get: StatementSync;
  readonly #ids = new Map<string, number>();
  readonly #lanes = new Map<number, LaneKey>();

  constructor(database: DatabaseSync) {
    this.#find = database.prepare("SELECT id FROM lanes WHERE namespace = ? AND webhook = ?");
    this.#insert = database.prepare("INSERT INTO lanes (namespace, webhook) VALUES (?, ?)");
    this.#get = database.prepare("SELECT namespace, webhook FROM lanes WHERE id = ?");
  }

  /** The lane's number, if it has one. */
  find(namespace: string, webhook: string): number | undefined {
    // Neither part can contain a slash.
    const key = `${namespace}/${webhook}`;
    const cached = this.#ids.get(key);
    if (cached !== undefined) return cached;
    const row = this.#find.get(namespace, webhook);
    if (row === undefined) return undefined;
    return this.#remember(key, Number(row["id"]), { namespace, webhook });
  }

  /** The lane's number, a new one if it has none. */
  ensure(namespace: string, webhook: string): number {
    const found = this.find(namespace, webhook);
    if (found !== undefined) return found;
    const { lastInsertRowid } = this.#insert.run(namespace, webhook);
    return this.#remember(`${namespace}/${webhook}`, Number(lastInsertRowid), { namespace, webhook });
  }

  /** The lane of a number that stands in another table. */
  get(id: number): LaneKey {
    const cached = this.#lanes.get(id);
    if (cached !== undefined) return cached;
    const row = this.#get.get(id);
    const lane = { namespace: String(row?.["namespace"] ?? ""), webhook: String(row?.["webhook"] ?? "") };
    this.#remember(`${lane.namespace}/${lane.webhook}`, id, lane);
    return lane;
  }

  /** Numbers given in a transaction that did not come through must not be used. */
  rollback(): void {
    this.#ids.clear();
    this.#lanes.clear();
  }

  #remember(key: string, id: number, lane: LaneKey): number {
    if (this.#ids.size >= MAX_CACHED) this.rollback();
    this.#ids.set(key, id);
    this.#lanes.set(id, lane);
    return id;
  }
}
