/**
 * Connections of type `redis-rq` and `redis`: what may be configured about them.
 *
 * @module
 */

import { z } from "zod";
import { hostField, integerField, numberField, secretField } from "../schema_fields.ts";
import { tlsSchema, type TlsSettings } from "./tls.ts";

const DEFAULT_PORT = 6379;
const HIGHEST_DATABASE = 2 ** 31 - 1;
const DEFAULT_TIMEOUT_SECONDS = 5;
const LONGEST_TIMEOUT_SECONDS = 60;

/** How to reach a Redis server. */
export interface RedisConnection {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** `undefined`: no TLS. */
  readonly tls: TlsSettings | undefined;
  /** How long the server may take to answer. */
  readonly timeoutMs: number;
}

const textField = z.string().min(1);

/** The keys of a connection, for schemas that have further ones. */
export const redisConnectionFields = {
  host: hostField().meta({ description: "Host name or IP address." }),
  port: integerField(1, 65535).default(DEFAULT_PORT).meta({ description: "Port." }),
  db: integerField(0, HIGHEST_DATABASE).default(0).meta({ description: "Number of the database." }),
  username: textField.nullish().meta({ description: "User name (ACL). Default: the default user." }),
  password: secretField().nullish().meta({ description: "Password. Default: none." }),
  tls: tlsSchema.optional().meta({
    description:
      "Uses TLS: `{}`, or an object with `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
  }),
  timeout: numberField(0.1, LONGEST_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that Redis may take to answer before the connection is given up.",
  }),
};

type Input = z.output<z.ZodObject<typeof redisConnectionFields>>;

/** What {@linkcode redisConnectionFields} say, once it is known that no user name stands without a password. */
export function redisConnectionOf(input: Input, issues: z.RefinementCtx): RedisConnection {
  const { host, port, db, tls } = input;
  const username = input.username ?? undefined;
  const password = input.password ?? undefined;
  if (username !== undefined && password === undefined) {
    const message = "A user name is of no use without a password: set password";
    issues.addIssue({ code: "custom", path: ["password"], message });
  }
  return { host, port, db, username, password, tls, timeoutMs: input.timeout * 1000 };
}

/** Strict schema of a connection without its `type`. */
export const redisConnectionSchema: z.ZodType<RedisConnection> = z.strictObject(redisConnectionFields)
  .transform(redisConnectionOf);
