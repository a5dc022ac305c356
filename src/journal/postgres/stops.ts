/**
 * Which webhooks are stopped, for all gateways.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import type { LaneKey, StoppedLane, StopStore } from "../journal.ts";
import { prepared } from "../../io/postgres/statement.ts";
import { storable } from "../../io/postgres/storable_text.ts";
import type { StatementRunner } from "./statement_runner.ts";

const LIST = prepared(
  "select namespace, webhook, state, since, cause from cwm.stop where state <> '' order by since",
);

/**
 * Numbers changes: one that was given up, and that the server runs late all the same, changes nothing after a later one.
 * A webhook that goes on has a row without a state for that.
 */
const NEXT = prepared("select nextval('cwm.stop_change') as change");

const CHANGE =
  `insert into cwm.stop (namespace, webhook, state, since, cause, change) values ($1, $2, $3, $4, $5, $6)
  on conflict (namespace, webhook) do update
    set state = excluded.state, since = excluded.since, cause = excluded.cause, change = excluded.change
    where stop.change <= excluded.change`;

const PUT = prepared(CHANGE);

const REMOVE = prepared(
  `with changed as (${CHANGE} returning change)
  select count(*) as count from cwm.stop
  where namespace = $1 and webhook = $2 and state <> '' and exists (select from changed)`,
);

/** The {@linkcode StopStore} of a journal in PostgreSQL. Disposal ends its looks. */
export class PostgresStops implements StopStore, Disposable {
  readonly #runner: StatementRunner;
  readonly #lookMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Beginnings and ends of changes of this gateway: what was read meanwhile may be of before. */
  #changes = 0;
  #underWay = 0;
  #isLooking = false;
  /** What was there at the last look. */
  #last = "[]";

  /** @param lookMs how often is looked what other gateways have changed, in milliseconds */
  constructor(runner: StatementRunner, lookMs: number) {
    this.#runner = runner;
    this.#lookMs = lookMs;
  }

  async list(): Promise<readonly StoppedLane[]> {
    return await this.#runner.rows<StoppedLane>(LIST);
  }

  async put({ namespace, webhook, state, since, cause }: StoppedLane): Promise<void> {
    const values = [namespace, webhook, state, Math.floor(since), storable(cause)];
    const { count } = await this.#change((change) => this.#runner.run(PUT, [...values, change]));
    if (count === 0) {
      throw new GatewayError("journal_unavailable", undefined, {
        reason: "Meanwhile somebody else has stopped the webhook, or has had it go on",
      });
    }
  }

  async remove({ namespace, webhook }: LaneKey): Promise<boolean> {
    const values = [namespace, webhook, "", 0, ""];
    const rows = await this.#change((change) =>
      this.#runner.rows<{ readonly count: number }>(REMOVE, [...values, change])
    );
    return (rows[0]?.count ?? 0) > 0;
  }

  /** To be called once. */
  follow(listener: (stopped: readonly StoppedLane[]) => void): void {
    this.#timer = setInterval(() => void this.#look(listener), this.#lookMs);
    Deno.unrefTimer(this.#timer);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(listener: (stopped: readonly StoppedLane[]) => void): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const changes = this.#changes;
    try {
      const stopped = await this.list();
      if (this.#underWay > 0 || changes !== this.#changes) return;
      const text = JSON.stringify(stopped);
      if (text === this.#last) return;
      this.#last = text;
      listener(stopped);
    } catch {
      // The journal has reported why it cannot be read, and is asked again.
    } finally {
      this.#isLooking = false;
    }
  }

  async #change<Result>(work: (change: number) => Promise<Result>): Promise<Result> {
    this.#changes++;
    this.#underWay++;
    try {
      const [next] = await this.#runner.rows<{ readonly change: number }>(NEXT);
      return await work(next?.change ?? 0);
    } finally {
      this.#underWay--;
      this.#changes++;
    }
  }
}
