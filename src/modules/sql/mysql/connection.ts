/**
 * Connections of type `mysql` and `mariadb`: what may be configured about them. The keys are those of the Python
 * service.
 *
 * @module
 */

import { z } from "zod";
import type { TlsSettings } from "../../../schema/connection_fields.ts";
import { eitherOf } from "../../../schema/synonyms.ts";
import { connectionFields, tlsOf } from "../connection_fields.ts";

const DEFAULTS = { port: 3306, database: "mysql", user: "root" };

/** How to reach a MySQL or MariaDB server. */
export interface MysqlConnection {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** `undefined`: no TLS. */
  readonly tls: TlsSettings | undefined;
}

/** Strict schema of a connection without its `type`. */
export const mysqlConnectionSchema: z.ZodType<MysqlConnection> = z.strictObject(connectionFields(DEFAULTS))
  .transform((input, issues) => ({
    host: input.host ?? "localhost",
    port: input.port ?? DEFAULTS.port,
    database: input.database ?? DEFAULTS.database,
    user: eitherOf(input, "user", "username", issues) ?? DEFAULTS.user,
    password: input.password,
    tls: tlsOf(input, issues),
  }));
