/**
 * Records of events that stand in packs.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { RecordSlice } from "../../protocol.ts";
import type { Row } from "../tables/event.ts";
import type { LaneTable } from "../tables/lane.ts";
import { unpackEvents } from "../tables/pack_events.ts";
import {
  type Conditions,
  type Found,
  matches,
  NOTHING_KNOWN,
  pendingState,
  type Statements,
  type Window,
} from "./found.ts";

/** How long one slice takes packs apart, in milliseconds; one pack at least. */
const SLICE_MS = 3;

/** What is known of an event beside what its pack says. */
type PackedState = Pick<Found, "state" | "attempts" | "progress" | keyof typeof NOTHING_KNOWN>;

/** Finds them, and takes as many packs apart as there is time for. */
export class PackRecords {
  readonly #statements: Statements;
  readonly #lanes: LaneTable;

  constructor(statements: Statements, lanes: LaneTable) {
    this.#statements = statements;
    this.#lanes = lanes;
  }

  /** The sequence nearest to another one that stands in a pack. */
  nearest(sequence: number, isUp: boolean): number[] {
    const before = this.#statements.get(
      "SELECT first, count FROM packs WHERE first <= ? ORDER BY first DESC LIMIT 1",
    )
      .get(sequence);
    if (before !== undefined) {
      const last = Number(before["first"]) + Number(before["count"]) - 1;
      if (last >= sequence) return [sequence];
      if (!isUp) return [last];
    }
    if (!isUp) return [];
    const behind = this.#statements.get("SELECT first FROM packs WHERE first > ? ORDER BY first LIMIT 1").get(
      sequence,
    );
    return behind === undefined ? [] : [Number(behind["first"])];
  }

  /** What packs have, and the part of the window that was looked at: to take packs apart takes time. */
  find(
    window: Window,
    conditions: Conditions,
    { order, limit, bytes }: RecordSlice,
  ): { readonly found: readonly Found[]; readonly looked: Window } {
    const endsAt = performance.now() + SLICE_MS;
    const found: Found[] = [];
    const packs = this.#statements.get(
      `SELECT first, count, lane, claimed FROM packs
        WHERE first + count > ?1 AND first BETWEEN coalesce(
          (SELECT max(first) FROM packs WHERE first <= ?1), ?1) AND ?2
        AND (?3 IS NULL OR lane IN (SELECT value FROM json_each(?3)))
        ORDER BY first ${order === "oldest" ? "ASC" : "DESC"}`,
    ).all(window.from, window.to, conditions.lanes) as Row[];
    for (const pack of packs) {
      const states = this.#statesOf(pack);
      if (!states.some((state) => state !== undefined && conditions.states.has(state.state))) continue;
      const first = Number(pack["first"]);
      found.push(...this.#eventsOf(pack, states, window, conditions, bytes !== undefined));
      if (found.length < limit && performance.now() < endsAt) continue;
      const last = first + Number(pack["count"]) - 1;
      const looked = order === "oldest"
        ? { from: window.from, to: Math.min(window.to, last) }
        : { from: Math.max(window.from, first), to: window.to };
      return { found, looked };
    }
    return { found, looked: window };
  }

  /** Of each of its events; `undefined` for those that are done. */
  #statesOf({ first, count, claimed }: Row): readonly (PackedState | undefined)[] {
    const rows = this.#statements.get(
      `SELECT seq, due, attempts, failure, progress FROM pending
        WHERE seq BETWEEN ?1 AND ?1 + ?2 - 1 AND pack = ?1`,
    ).all(Number(first), Number(count)) as Row[];
    const attempts = Number(claimed);
    const whole: PackedState = {
      ...NOTHING_KNOWN,
      state: attempts === 1 ? "under_way" : "waiting",
      attempts,
    };
    const states = new Array<PackedState | undefined>(Number(count)).fill(
      rows.length === 0 ? whole : undefined,
    );
    for (const row of rows) {
      const held = { ...NOTHING_KNOWN, ...pendingState(row), attempts: Number(row["attempts"]) };
      states[Number(row["seq"]) - Number(first)] = held;
    }
    return states;
  }

  #eventsOf(
    { first, lane }: Row,
    states: readonly (PackedState | undefined)[],
    window: Window,
    conditions: Conditions,
    contents: boolean,
  ): readonly Found[] {
    const row = this.#statements.get("SELECT fields, data FROM packs WHERE first = ?").get(
      Number(first),
    ) as Row;
    const events = unpackEvents({
      fields: String(row["fields"]),
      data: row["data"] as Uint8Array<ArrayBuffer>,
    });
    return events.flatMap(({ receivedAt, id, headers, body }, index): Found[] => {
      const sequence = Number(first) + index;
      const state = states[index];
      const isIn = sequence >= window.from && sequence <= window.to && matches(conditions, receivedAt, id);
      if (!isIn || state === undefined || !conditions.states.has(state.state)) return [];
      return [{
        ...state,
        ...this.#lanes.get(Number(lane)),
        sequence,
        id,
        receivedAt,
        bytes: typeof body === "string" ? Buffer.byteLength(body) : body.length,
        ...(contents ? { headers, body } : {}),
      }];
    });
  }
}
