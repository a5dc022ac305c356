/**
 * `postgresql`: stores each event as a row of a table. Events of all webhooks with the same table share statements.
 *
 * An event is stored at least once, and once where the table has a unique index on `id` or `event_id`: a repeat meets
 * the row and changes nothing.
 *
 * @module
 */

import { hostDestination } from "../../../policy/destination.ts";
import type { DocumentedModule } from "../../module.ts";
import type { SqlConfig } from "../config.ts";
import { sqlModule } from "../module.ts";
import { type PostgresqlConnection, postgresqlConnectionSchema } from "./connection.ts";

/** `NAMEDATALEN` less the byte that ends a name: the server cuts what is longer. */
const MAX_NAME_BYTES = 63;

/** Stores events in PostgreSQL. */
export const postgresqlModule: DocumentedModule<SqlConfig, PostgresqlConnection> = sqlModule({
  name: "postgresql",
  otherNames: ["postgres"],
  summary: "a row of a PostgreSQL table",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["postgresql", "postgres"],
  connectionSchema: postgresqlConnectionSchema,
  connectionDestinations: ({ hosts }) => hosts.map(({ host, port }) => hostDestination(host, port, "host")),
  names: {
    limit: `${MAX_NAME_BYTES} bytes`,
    container: "schema",
    fits: (name) => !name.includes("\0") && new TextEncoder().encode(name).byteLength <= MAX_NAME_BYTES,
    canonical: (name) => name,
  },
  system: async () => {
    const [{ connect }, { dialect }] = await Promise.all([import("./server.ts"), import("./dialect.ts")]);
    return { connect, dialect };
  },
});
