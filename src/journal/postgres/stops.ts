/**
 * Which webhooks are stopped, for all gateways.
 *
 * @module
 */

import type { LaneKey, StoppedLane, StopStore } from "../journal.ts";
import { prepared } from "../../io/postgres/statement.ts";
import type { StatementRunner } from "./statement_runner.ts";

const LIST = prepared("select namespace, webhook, state, since, cause from cwm.stop order by since");

const PUT = prepared(
  `insert into cwm.stop (namespace, webhook, state, since, cause) values ($1, $2, $3, $4, $5)
  on conflict (namespace, webhook) do update
    set state = excluded.state, since = excluded.since, cause = excluded.cause`,
);

const REMOVE = prepared("delete from cwm.stop where namespace = $1 and webhook = $2");

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
    const values = [namespace, webhook, state, Math.floor(since), withoutNul(cause)];
    await this.#change(() => this.#runner.run(PUT, values));
  }

  async remove({ namespace, webhook }: LaneKey): Promise<boolean> {
    return (await this.#change(() => this.#runner.run(REMOVE, [namespace, webhook]))).count > 0;
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

  async #change<Result>(change: () => Promise<Result>): Promise<Result> {
    this.#changes++;
    this.#underWay++;
    try {
      return await change();
    } finally {
      this.#underWay--;
      this.#changes++;
    }
  }
}

/** A text as PostgreSQL can keep it: it has no place for NUL. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "");
}
