/**
 * Keys that the connections of all SQL servers have, as in the Python service.
 *
 * @module
 */

import { z } from "zod";
import {
  hostField,
  portField,
  SYSTEM_TLS,
  tlsSchema,
  type TlsSettings,
} from "../../schema/connection_fields.ts";
import { booleanField, integerField, reportAt, secretField } from "../../schema/fields.ts";

const MAX_POOL = 10_000;

/** What variables without a value leave behind is as good as left out. */
const pathField = z.string().nullable().transform((path) => path || undefined);
const passwordField = z.union([z.literal(""), z.null(), secretField()]).transform((text) =>
  text || undefined
);

/** What differs between servers where a key is left out. */
export interface ConnectionDefaults {
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The fields of a connection's schema. */
export interface ConnectionFields {
  readonly host: z.ZodOptional<z.ZodType<string>>;
  readonly port: z.ZodOptional<z.ZodType<number>>;
  readonly database: z.ZodOptional<z.ZodType<string>>;
  readonly user: z.ZodOptional<z.ZodType<string>>;
  readonly username: z.ZodOptional<z.ZodType<string>>;
  readonly password: z.ZodOptional<z.ZodType<string | undefined>>;
  readonly ssl: z.ZodOptional<z.ZodType<boolean>>;
  readonly ssl_ca_cert: z.ZodOptional<z.ZodType<string | undefined>>;
  readonly ssl_cert: z.ZodOptional<z.ZodType<string | undefined>>;
  readonly ssl_key: z.ZodOptional<z.ZodType<string | undefined>>;
  readonly tls: z.ZodOptional<z.ZodType<TlsSettings>>;
  readonly pool_min_size: z.ZodOptional<z.ZodType<number>>;
  readonly pool_max_size: z.ZodOptional<z.ZodType<number>>;
}

/** What may be said of a connection, whatever the server. */
export function connectionFields({ port, database, user }: ConnectionDefaults): ConnectionFields {
  return {
    host: hostField().optional().meta({ description: "Host name or IP address. Default: `localhost`." }),
    port: portField().optional().meta({ description: `Port. Default: ${port}.` }),
    database: z.string().min(1).optional().meta({
      description: `The database. Default: \`${database}\`.`,
    }),
    user: z.string().min(1).optional().meta({ description: `User name. Default: \`${user}\`.` }),
    username: z.string().min(1).optional().meta({ description: "The same as `user`." }),
    password: passwordField.optional().meta({
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
        "Uses TLS: `true`, or an object with `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
    }),
    pool_min_size: integerField(0, MAX_POOL).optional().meta({
      description: "Read for the sake of older files and of no effect: there is one connection a table.",
    }),
    pool_max_size: integerField(0, MAX_POOL).optional().meta({ description: "As `pool_min_size`." }),
  };
}

/** What a connection says about TLS. */
interface TlsKeys {
  readonly ssl?: boolean | undefined;
  readonly ssl_ca_cert?: string | undefined;
  readonly ssl_cert?: string | undefined;
  readonly ssl_key?: string | undefined;
  readonly tls?: TlsSettings | undefined;
}

/** How a connection is encrypted; `undefined`: not at all. What contradicts itself is reported. */
export function tlsOf(input: TlsKeys, issues: z.RefinementCtx): TlsSettings | undefined {
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
