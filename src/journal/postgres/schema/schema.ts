/**
 * Makes the tables of the journal and brings them up to date, in one statement that works behind every pooler.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import { PostgresError, SQL_STATE } from "../../../io/postgres/errors.ts";
import { EVENT_COLUMNS, MIGRATIONS, SCHEMA_VERSION, SHORT_LIVED_TABLES } from "./tables.ts";

/** How long locks are waited for, in milliseconds: for another gateway that does the same, or a program that reads. */
const LOCK_TIMEOUT_MS = 20_000;

/** The first version that compresses values by lz4. */
const OLDEST_SERVER = 14;

/** `CWMj` as a number: other programs lock other ones. */
const LOCK = 0x43574d6a;

/** Which version the tables have. */
export interface SchemaState {
  /** 0 where there are none. */
  readonly version: number;
  /** Which one this program works with. */
  readonly wanted: number;
}

/** The tables were made by a newer version of the program, which they may be used by alone. */
export class NewerTablesError extends PostgresError {
  constructor(readonly version: number) {
    super(
      `The journal's tables have version ${version}, newer than ${SCHEMA_VERSION}: use the newer version of the program`,
      { endsConnection: true },
    );
  }
}

/** Says which version the tables have. Changes nothing. */
export async function schemaState(client: PostgresClient): Promise<SchemaState> {
  const { rows: [table] } = await client.query<{ readonly there: boolean }>(
    { text: "select to_regclass('cwm.meta') is not null as there" },
  );
  if (table?.there !== true) return { version: 0, wanted: SCHEMA_VERSION };
  const { rows: [meta] } = await client.query<{ readonly version: number }>(
    { text: "select version from cwm.meta" },
  );
  return { version: meta?.version ?? 0, wanted: SCHEMA_VERSION };
}

/**
 * Brings the tables to {@linkcode SCHEMA_VERSION}. Of gateways that do it at once, one does it and the others wait.
 *
 * @returns the version that they had before
 * @throws {NewerTablesError} when a newer version has made them
 */
export async function migrate(client: PostgresClient): Promise<SchemaState> {
  if (client.facts.version < OLDEST_SERVER * 10_000) {
    throw new PostgresError(`${client.server} is older than version ${OLDEST_SERVER}: use a newer one`, {
      endsConnection: true,
    });
  }
  const before = await schemaState(client);
  if (before.version > SCHEMA_VERSION) throw new NewerTablesError(before.version);
  if (before.version === SCHEMA_VERSION) return before;
  await client.query({ text: MIGRATION });
  for (const table of SHORT_LIVED_TABLES) await vacuum(client, table);
  return before;
}

/** Makes the place for what vacuum notes down of a table. */
async function vacuum(client: PostgresClient, table: string): Promise<void> {
  try {
    await client.query({ text: `vacuum ${table}` });
  } catch (error) {
    // A user who may use the tables and does not own them, or a program that holds a lock: the server does it later.
    if (!(error instanceof PostgresError) || error.endsConnection) throw error;
  }
}

const STEPS = MIGRATIONS.map((statements, index) =>
  `if stands < ${index + 1} then ${statements.map((statement) => `${statement};`).join("\n")} end if;`
);

const COMPRESSION = EVENT_COLUMNS.map(([table, column]) =>
  `alter table ${table} alter column ${column} set compression lz4;`
);

/** One statement, so that it needs no transaction of several: not every pooler has those. */
const MIGRATION = `do $migration$
declare
  stands int := 0;
begin
  perform set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true);
  perform pg_advisory_xact_lock(${LOCK});
  if to_regnamespace('cwm') is null then create schema cwm; end if;
  if to_regclass('cwm.meta') is null then
    create table cwm.meta (
      is_only boolean primary key default true check (is_only),
      version int not null,
      changed_at timestamptz not null default now()
    );
    insert into cwm.meta (version) values (0);
  else
    select version into stands from cwm.meta;
  end if;
  ${STEPS.join("\n")}
  if stands < ${SCHEMA_VERSION} then
    begin
      ${COMPRESSION.join("\n")}
    exception when sqlstate '${SQL_STATE.featureNotSupported}' then
      raise debug 'this server has no lz4';
    end;
    update cwm.meta set version = ${SCHEMA_VERSION}, changed_at = now();
  end if;
end
$migration$`;
