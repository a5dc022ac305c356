/**
 * Connections of type `postgresql` and `postgres`: what may be configured about them. The keys are those of the Python
 * service.
 *
 * @module
 */

import { z } from "zod";
import type { ServerAddress } from "../../../schema/addresses.ts";
import {
  hostField,
  portField,
  SYSTEM_TLS,
  tlsSchema,
  type TlsSettings,
} from "../../../schema/connection_fields.ts";
import { booleanField, integerField, reportAt, secretField } from "../../../schema/fields.ts";
import { type PostgresTls, postgresUrl } from "../../../settings/journal/postgres_url.ts";

const DEFAULT_PORT = 5432;
const MAX_POOL = 10_000;

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

/** What variables without a value leave behind is as good as left out. */
const pathField = z.string().transform((path) => path === "" ? undefined : path);

const fields = z.strictObject({
  connection_string: z.string().regex(/^\S+$/, {
    error: "Holds white space, such as the line end of a file: remove it",
  }).optional().meta({
    description:
      "All of it in one: `postgres://user:password@host:5432,host2:5432/database?sslmode=verify-full`, with " +
      "`sslrootcert`, `sslcert` and `sslkey`. Of several hosts the one is used that is the primary.",
  }),
  host: hostField().optional().meta({ description: "Host name or IP address. Default: `localhost`." }),
  port: portField().optional().meta({ description: `Port. Default: ${DEFAULT_PORT}.` }),
  database: z.string().min(1).optional().meta({ description: "The database. Default: `postgres`." }),
  user: z.string().min(1).optional().meta({ description: "User name. Default: `postgres`." }),
  password: z.union([z.literal(""), secretField()]).optional().meta({
    description: "The user's password. Default: none.",
  }),
  ssl: booleanField().optional().meta({
    description:
      "`true`: TLS; the server's certificate is verified, by `ssl_ca_cert` or the system's authorities.",
  }),
  ssl_ca_cert: pathField.optional().meta({ description: "The same as `ca` of `tls`." }),
  ssl_cert: pathField.optional().meta({ description: "The same as `cert` of `tls`." }),
  ssl_key: pathField.optional().meta({ description: "The same as `key` of `tls`." }),
  tls: tlsSchema.optional().meta({
    description:
      "Uses TLS: `{}`, or an object with `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
  }),
  pool_min_size: integerField(0, MAX_POOL).optional().meta({
    description: "Read for the sake of older files and of no effect: there is one connection a table.",
  }),
  pool_max_size: integerField(0, MAX_POOL).optional().meta({ description: "As `pool_min_size`." }),
});

type Input = z.output<typeof fields>;

/** Strict schema of a connection without its `type`. */
export const postgresqlConnectionSchema: z.ZodType<PostgresqlConnection> = fields.transform(
  (input, issues) => {
    const { connection_string } = input;
    if (connection_string !== undefined) return ofString(connection_string, input, issues);
    return {
      hosts: [{ host: input.host ?? "localhost", port: input.port ?? DEFAULT_PORT }],
      database: input.database ?? "postgres",
      user: input.user ?? "postgres",
      password: input.password === "" ? undefined : input.password,
      tls: tlsOf(input, issues),
      ignoresName: false,
    };
  },
);

function ofString(text: string, input: Input, issues: z.RefinementCtx): PostgresqlConnection {
  for (const key of ["host", "port", "database", "user", "password", "ssl", "tls"] as const) {
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

function tlsOf(input: Input, issues: z.RefinementCtx): TlsSettings | undefined {
  const { ssl, ssl_ca_cert: ca, ssl_cert: cert, ssl_key: key, tls } = input;
  const hasFiles = [ca, cert, key].some((file) => file !== undefined);
  if (tls !== undefined) {
    if (hasFiles) reportAt(issues, "tls", "tls and the files of ssl_… say the same: leave one of them out");
    if (ssl === false) reportAt(issues, "tls", "Of no use with ssl: false");
    return tls;
  }
  if (ssl !== true) {
    if (hasFiles && ssl === undefined) reportAt(issues, "ssl", "Required with files for TLS: set it to true");
    return undefined;
  }
  if ((cert === undefined) !== (key === undefined)) {
    reportAt(issues, "ssl_key", "ssl_cert and ssl_key belong together: give both or neither");
  }
  return { ...SYSTEM_TLS, ca, cert, key };
}
