/**
 * The server of the journal, with its tables.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { PostgresSettings } from "../../settings/journal/postgres_url.ts";
import { PostgresServer } from "./connection/connection.ts";
import { migrate } from "./schema/schema.ts";

/** What {@linkcode openPostgresServer} needs. */
export interface PostgresServerChoices {
  readonly settings: PostgresSettings;
  readonly logger: Logger;
}

/** The server of the journal, whose tables are made or brought up to date before anything is asked. */
export function openPostgresServer({ settings, logger }: PostgresServerChoices): PostgresServer {
  return new PostgresServer({
    settings,
    logger,
    prepare: async (client) => {
      const { version, wanted } = await migrate(client);
      if (version !== wanted) logger.info("The journal's tables of version {wanted} are made", { wanted });
    },
  });
}
