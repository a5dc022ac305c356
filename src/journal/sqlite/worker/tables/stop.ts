import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { LaneKey, StoppedLane } from "../../../journal.ts";

/** Webhooks whose deliveries are stopped. */
export class StopTable {
  readonly #list: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#list = database.prepare("SELECT namespace, webhook, state, since, cause FROM stops");
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO stops (namespace, webhook, state, since, cause) VALUES (?, ?, ?, ?, ?)",
    );
    this.#remove = database.prepare("DELETE FROM stops WHERE namespace = ? AND webhook = ?");
  }

  list(): StoppedLane[] {
    return this.#list.all().map((row) => ({
      namespace: String(row["namespace"]),
      webhook: String(row["webhook"]),
      state: row["state"] === "paused" ? "paused" : "switched_off",
      since: Number(row["since"]),
      cause: String(row["cause"]),
    }));
  }

  put({ namespace, webhook, state, since, cause }: StoppedLane): void {
    this.#put.run(namespace, webhook, state, Math.floor(since), cause);
  }

  /** Returns whether it was stopped. */
  remove({ namespace, webhook }: LaneKey): boolean {
    return Number(this.#remove.run(namespace, webhook).changes) === 1;
  }
}
