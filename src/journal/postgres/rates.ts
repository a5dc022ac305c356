/**
 * What all gateways have let through of each rate.
 *
 * @module
 */

import type { CountedRequests, RateStore } from "../../rules/shared_rates.ts";
import { prepared } from "../../io/postgres/statement.ts";
import type { StatementRunner } from "./statement_runner.ts";

/**
 * As `RateCounter` counts, by the server's clock, which all have in common: the time when nothing of the limit is used any
 * more. In one order, so that two gateways never wait for each other. The table is not logged: a crash of the server
 * begins again with nothing used.
 */
const ADD = prepared(
  `with t as materialized (select extract(epoch from clock_timestamp()) * 1000 as now),
  given as (
    select key, used, longest from unnest($1::text[], $2::float8[], $3::float8[]) g(key, used, longest) order by key),
  added as (
    insert into cwm.rate as r (key, unused_at) select key, t.now + used from given, t
    on conflict (key) do update set unused_at =
      least(greatest(r.unused_at, (select now from t)), (select now from t) + (select longest from given where given.key = r.key))
      + (excluded.unused_at - (select now from t))
    returning key, unused_at)
  select key, added.unused_at - t.now as used from added, t`,
);

/** The {@linkcode RateStore} of a journal in PostgreSQL. */
export class PostgresRates implements RateStore {
  readonly #runner: StatementRunner;

  constructor(runner: StatementRunner) {
    this.#runner = runner;
  }

  async add(counted: readonly CountedRequests[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#runner.rows<{ readonly key: string; readonly used: string }>(ADD, [
      counted.map(({ key }) => key),
      counted.map(({ count, limit: { requests, windowMs } }) => count * windowMs / requests),
      counted.map(({ limit: { windowMs } }) => windowMs),
    ]);
    return new Map(rows.map(({ key, used }) => [key, Number(used)]));
  }
}
