/**
 * Removes events that are not delivered: dead letters from their table, and what waits through the gateway whose it is,
 * since that has it in memory.
 *
 * @module
 */

import { webhookPath } from "../../../event/names.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import type { DroppedWaiting, DropStep } from "../../../records/records.ts";
import type { LaneKey } from "../../journal.ts";
import type { StatementRunner } from "../statement_runner.ts";
import type { Found } from "./found.ts";
import { numberIn } from "./statements.ts";

/** Does what only a gateway can, and learns what was done. */
export interface DropListener {
  /**
   * Ends events that wait at this gateway. Resolves with the lane of each that is gone.
   *
   * @param wanted the places of events by the numbers of their packs
   */
  dropWaiting(wanted: ReadonlyMap<number, readonly number[]>): Promise<readonly LaneKey[]>;
  /** So many dead letters are gone. */
  onDropped(letters: number): void;
}

/** One that was replayed and given up again meanwhile has another number. */
const DROP = prepared(
  `with gone as (delete from cwm.dead where number = any($1::bigint[]) returning number)
  select count(*)::int as count from gone`,
);

/** One step of a drop. */
export class Drop {
  readonly #runner: StatementRunner;
  readonly #listener: DropListener | undefined;
  readonly #letters: number[] = [];
  readonly #waiting = new Map<number, number[]>();
  /** Events that were added. */
  seen = 0;

  /** @param listener of the gateway that uses the journal; left out where none does: what waits then stays */
  constructor(runner: StatementRunner, listener: DropListener | undefined) {
    this.#runner = runner;
    this.#listener = listener;
  }

  /** An event is to be removed, if that can be. */
  add({ record: { state }, row, position: { index } }: Found): void {
    this.seen++;
    if (state === "dead_letter") this.#letters.push(numberIn(row));
    if (state !== "waiting") return;
    const places = this.#waiting.get(row.no);
    if (places === undefined) this.#waiting.set(row.no, [index]);
    else places.push(index);
  }

  /** Removes them. */
  async end(): Promise<Omit<DropStep, "cursor">> {
    const letters = await this.#dropLetters();
    const gone = this.#waiting.size === 0 ? [] : await this.#listener?.dropWaiting(this.#waiting) ?? [];
    const dropped = letters + gone.length;
    return { dropped, kept: this.seen - dropped, waiting: counted(gone) };
  }

  async #dropLetters(): Promise<number> {
    if (this.#letters.length === 0) return 0;
    const [row] = await this.#runner.rows<{ readonly count: number }>(DROP, [this.#letters]);
    const count = row?.count ?? 0;
    if (count > 0) this.#listener?.onDropped(count);
    return count;
  }
}

function counted(lanes: readonly LaneKey[]): DroppedWaiting[] {
  const counts = new Map<string, DroppedWaiting>();
  for (const { namespace, webhook } of lanes) {
    const path = webhookPath(namespace, webhook);
    counts.set(path, { namespace, webhook, count: (counts.get(path)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
