import { KEPT_PAGE, type KeptValue, type KeptValues } from "../../../records/kept_values.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import type { StatementRunner } from "../statement_runner.ts";

const PUT = prepared(
  `insert into cwm.kept_value (name, value, at) values ($1, $2, $3)
  on conflict (name) do update set value = excluded.value, at = excluded.at`,
);

const LIST = prepared(
  `select name, value, at from cwm.kept_value where name > $1 and starts_with(name, $2) order by name limit ${KEPT_PAGE}`,
);

const REMOVE = prepared("delete from cwm.kept_value where name = $1");

/** The {@linkcode KeptValues} of a journal in PostgreSQL. */
export class PostgresKeptValues implements KeptValues {
  readonly isOpen = true;
  readonly #runner: StatementRunner;

  constructor(runner: StatementRunner) {
    this.#runner = runner;
  }

  async put(name: string, value: Uint8Array): Promise<void> {
    await this.#runner.run(PUT, [name, value, Date.now()]);
  }

  async list(prefix: string, after = ""): Promise<readonly KeptValue[]> {
    const rows = await this.#runner.rows<{ name: string; value: Uint8Array; at: string }>(LIST, [
      after,
      prefix,
    ]);
    return rows.map(({ name, value, at }) => ({ name, value, at: Number(at) }));
  }

  async remove(name: string): Promise<void> {
    await this.#runner.run(REMOVE, [name]);
  }
}
