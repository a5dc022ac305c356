/**
 * `mysql`: stores each event as a row of a table of MySQL or MariaDB. Events of all webhooks with the same table share
 * statements.
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
import { type MysqlConnection, mysqlConnectionSchema } from "./connection.ts";

const MAX_NAME_LENGTH = 64;

/** What no name may hold: NUL, what is beyond the basic plane, and a space at the end. */
const UNFIT = /[\0\u{10000}-\u{10ffff}\ud800-\udfff]| $/u;

/** Stores events in MySQL and MariaDB. */
export const mysqlModule: DocumentedModule<SqlConfig, MysqlConnection> = sqlModule({
  name: "mysql",
  otherNames: ["mariadb"],
  summary: "a row of a MySQL or MariaDB table",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["mysql", "mariadb"],
  connectionSchema: mysqlConnectionSchema,
  connectionDestinations: ({ host, port }) => [hostDestination(host, port, "host")],
  names: {
    limit: `${MAX_NAME_LENGTH} characters`,
    container: "database",
    fits: (name) => name.length <= MAX_NAME_LENGTH && !UNFIT.test(name),
    canonical: (name) => name.toLowerCase(),
  },
  system: async () => {
    const [{ connect }, { dialect }] = await Promise.all([import("./server.ts"), import("./dialect.ts")]);
    return { connect, dialect };
  },
});
