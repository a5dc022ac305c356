/**
 * Which webhooks are stopped, for all gateways.
 *
 * @module
 */

import type { LaneKey, StoppedLane, StopStore } from "../journal.ts";
import { prepared } from "./connection/statement.ts";
import type { StatementRunner } from "./statement_runner.ts";

const LIST = prepared("select namespace, webhook, state, since, cause from cwm.stop order by since");

const PUT = prepared(
  `insert into cwm.stop (namespace, webhook, state, since, cause) values ($1, $2, $3, $4, $5)
  on conflict (namespace, webhook) do update
    set state = excluded.state, since = excluded.since, cause = excluded.cause`,
);

const REMOVE = prepared("delete from cwm.stop where namespace = $1 and webhook = $2");

/** The {@linkcode StopStore} of a journal in PostgreSQL. */
export class PostgresStops implements StopStore {
  readonly #runner: StatementRunner;

  constructor(runner: StatementRunner) {
    this.#runner = runner;
  }

  async list(): Promise<readonly StoppedLane[]> {
    return await this.#runner.rows<StoppedLane>(LIST);
  }

  async put({ namespace, webhook, state, since, cause }: StoppedLane): Promise<void> {
    await this.#runner.run(PUT, [namespace, webhook, state, Math.floor(since), withoutNul(cause)]);
  }

  async remove({ namespace, webhook }: LaneKey): Promise<boolean> {
    return (await this.#runner.run(REMOVE, [namespace, webhook])).count > 0;
  }
}

/** A text as PostgreSQL can keep it: it has no place for NUL. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "");
}
