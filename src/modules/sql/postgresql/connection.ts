/**
 * Connections of type `postgresql` and `postgres`: what may be configured about them. The keys are those of the Python
 * service.
 *
 * @module
 */

import { z } from "zod";
import type { ServerAddress } from "../../../schema/addresses.ts";
import type { TlsSettings } from "../../../schema/connection_fields.ts";
import { reportAt } from "../../../schema/fields.ts";
import { type PostgresTls, postgresUrl } from "../../../settings/journal/postgres_url.ts";
import { eitherOf } from "../../../schema/synonyms.ts";
import { connectionFields, tlsOf } from "../connection_fields.ts";

const DEFAULTS = { port: 5432, database: "postgres", user: "postgres" };

/** How to reach a PostgreSQL server. */
export interface PostgresqlConnection {
  /** At least one; tried in turn until one is a primary that takes writes. */
  readonly hosts: readonly ServerAddress[];
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** `undefined`: no TLS. */
  readonly tls: TlsSettings | undefined;
  /** Whether the name in the server's certificate is not looked at, as with `sslmode=verify-ca`. */
  readonly ignoresName: boolean;
}

const fields = z.strictObject({
  connection_string: z.string().regex(/^\S+$/, {
    error: "Holds white space, such as the line end of a file: remove it",
  }).optional().meta({
    description:
      "All of it in one: `postgres://user:password@host:5432,host2:5432/database?sslmode=verify-full`, with " +
      "`sslrootcert`, `sslcert` and `sslkey`. Of several hosts the one is used that is the primary.",
  }),
  ...connectionFields(DEFAULTS),
});

type Input = z.output<typeof fields>;

/** Strict schema of a connection without its `type`. */
export const postgresqlConnectionSchema: z.ZodType<PostgresqlConnection> = fields.transform(
  (input, issues) => {
    const { connection_string } = input;
    if (connection_string !== undefined) return ofString(connection_string, input, issues);
    return {
      hosts: [{ host: input.host ?? "localhost", port: input.port ?? DEFAULTS.port }],
      database: input.database ?? DEFAULTS.database,
      user: eitherOf(input, "user", "username", issues) ?? DEFAULTS.user,
      password: input.password,
      tls: tlsOf(input, issues),
      ignoresName: false,
    };
  },
);

function ofString(text: string, input: Input, issues: z.RefinementCtx): PostgresqlConnection {
  for (const key of ["host", "port", "database", "user", "username", "password", "ssl", "tls"] as const) {
    if (input[key] !== undefined) reportAt(issues, key, "connection_string says this: leave one of them out");
  }
  const parsed = postgresUrl().parse(text);
  if ("problems" in parsed) {
    for (const problem of parsed.problems) reportAt(issues, "connection_string", `It ${problem}`);
    return z.NEVER;
  }
  const { hosts, database, user, password, tls } = parsed.value;
  return {
    hosts,
    database,
    user,
    password: password !== undefined && "text" in password ? password.text : undefined,
    tls: tls === undefined ? undefined : settingsOf(tls),
    ignoresName: tls?.verifies === "authority",
  };
}

function settingsOf({ verifies, caFile, certFile, keyFile }: PostgresTls): TlsSettings {
  return { ca: caFile, cert: certFile, key: keyFile, insecure_skip_verify: verifies === "nothing" };
}
