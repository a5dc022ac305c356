/** The journal's side of a server of the tests: its connections, without a journal. */

import { PostgresServer } from "../../../src/journal/postgres/connection/connection.ts";
import { migrate } from "../../../src/journal/postgres/schema/schema.ts";
import { logger } from "../../../src/observability/logging.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { patience as limit } from "../patience.ts";

/** Long enough for a machine that does much beside. */
const PATIENCE_MS = 60_000;

/** How such a server is reached. */
export interface JournalServerOptions {
  /** Other variables of the environment. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether it makes the tables before anything is asked. @default false */
  readonly migrates?: boolean;
}

/** The server that `JOURNAL` names, as the journal reaches it. */
export function journalServer(
  url: string,
  { variables = {}, migrates = false }: JournalServerOptions = {},
): PostgresServer {
  const { postgres } = loadSettings({ JOURNAL: url, ...variables }, { logIsTerminal: false }).journal;
  if (postgres === undefined) throw new TypeError("There is no server");
  return new PostgresServer({
    settings: postgres,
    logger: logger("journal"),
    ...(migrates ? { prepare: async (client) => void await migrate(client) } : {}),
  });
}

/** Ends what takes too long. */
export function patience(): AbortSignal {
  return limit(PATIENCE_MS);
}
