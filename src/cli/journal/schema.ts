/**
 * The commands `journal migrate` and `journal status`, for a journal in PostgreSQL.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import type { PostgresClient } from "../../io/postgres/client.ts";
import { PostgresServer } from "../../journal/postgres/connection/connection.ts";
import { PostgresError } from "../../io/postgres/errors.ts";
import { migrate, schemaState } from "../../journal/postgres/schema/schema.ts";
import { describeServer } from "../../journal/postgres/schema/status.ts";
import { logger } from "../../observability/logging.ts";
import type { Settings } from "../../settings/settings.ts";

/** How long the server may take, in milliseconds: as long as locks are waited for, and some more. */
const TIMEOUT_MS = 30_000;

/**
 * Makes the tables of the journal, or brings them up to date. Returns what to say about it.
 *
 * @throws {StartupError} when that cannot be done
 */
export async function migrateJournal(settings: Settings): Promise<string> {
  return await ask(settings, async (client) => {
    const { version, wanted } = await migrate(client);
    if (version === wanted) return `The tables have version ${wanted} already`;
    return version === 0
      ? `The tables of version ${wanted} are made`
      : `The tables are brought from version ${version} to ${wanted}`;
  });
}

/**
 * Says how the journal is: the server, its tables, the gateways and what waits. Changes nothing.
 *
 * @throws {StartupError} when the server cannot be asked
 */
export async function journalStatus(settings: Settings): Promise<string> {
  return await ask(settings, async (client) => {
    const state = await schemaState(client);
    return (await describeServer(client, state)).join("\n");
  });
}

async function ask(
  settings: Settings,
  question: (client: PostgresClient) => Promise<string>,
): Promise<string> {
  const { postgres } = settings.journal;
  if (postgres === undefined) {
    throw new StartupError("journal_unavailable", [
      "JOURNAL is not set: the journal is a file in DATA_DIR, which the gateway brings up to date by itself",
    ]);
  }
  await using server = new PostgresServer({ settings: postgres, logger: logger("journal") });
  try {
    return await server.connection().use(question, AbortSignal.timeout(TIMEOUT_MS));
  } catch (error) {
    if (!(error instanceof PostgresError)) throw error;
    throw new StartupError("journal_unavailable", [error.message], { cause: error });
  }
}
