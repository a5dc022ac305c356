/**
 * Connections of type `nats`: what may be configured about them.
 *
 * @module
 */

import { z } from "zod";
import { parseServer, type ServerAddress } from "../../schema/addresses.ts";
import { SYSTEM_TLS, timeoutField, tlsSchema, type TlsSettings } from "../../schema/connection_fields.ts";
import { booleanField, reportAt, secretField } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";

const DEFAULT_PORT = 4222;
const DEFAULT_TIMEOUT_SECONDS = 5;
const MAX_TIMEOUT_SECONDS = 60;
const DEFAULT_INBOX_PREFIX = "_INBOX";

/** Schemes that say nothing but what is known already. */
const SCHEME = /^nats:\/\//;

const INBOX_PREFIX = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;

/** How the gateway shows who it is. */
export type NatsLogin =
  | { readonly kind: "none" }
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "token"; readonly token: string }
  /** With a JWT of an operator's, or the key alone. */
  | { readonly kind: "nkey"; readonly seed: string; readonly jwt: string | undefined }
  | { readonly kind: "file"; readonly path: string };

/** How to reach a server, or one of a cluster. */
export interface NatsSettings {
  /** At least one. */
  readonly servers: readonly ServerAddress[];
  readonly login: NatsLogin;
  /** What the subjects of answers begin with. */
  readonly inboxPrefix: string;
  /** How long the server may be silent, or a stream take to confirm, in milliseconds. */
  readonly timeoutMs: number;
  /** `undefined`: no TLS. */
  readonly tls: TlsSettings | undefined;
}

const fields = z.strictObject({
  servers: z.union([z.string(), z.array(z.string())], {
    error: "Not a text or a list of texts, such as nats-1:4222",
  }).default(`localhost:${DEFAULT_PORT}`).meta({
    description:
      "Servers of one cluster, as a list or separated by commas: `nats-1:4222,nats-2:4222`. One is connected to, and " +
      "the next one when that cannot be reached.",
  }),
  username: z.string().min(1).optional().meta({ description: "User name." }),
  user: z.string().min(1).optional().meta({ description: "The same as `username`." }),
  password: secretField().optional().meta({ description: "The user's password." }),
  token: secretField().optional().meta({ description: "Token, instead of user name and password." }),
  nkey_secret: secretField()
    .optional().meta({
      description:
        "Seed of the NKey (`SU…`) that the server knows the gateway by, or that belongs to `jwt_token`.",
    }),
  jwt_token: secretField().optional().meta({ description: "The user's JWT; needs `nkey_secret`." }),
  credentials_file: secretField().optional().meta({
    description: "File with JWT and seed (`.creds`), which is read again for each connection.",
  }),
  inbox_prefix: z.string().regex(INBOX_PREFIX, { error: "Not tokens of letters, digits, - and _" })
    .default(DEFAULT_INBOX_PREFIX).meta({
      description:
        "What the subjects begin with at which the gateway gets confirmations: where users may not subscribe " +
        "to `_INBOX.>`.",
    }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description:
      "Seconds that the server may be silent while it owes an answer before the connection is given up, and " +
      "that a stream may take to confirm.",
  }),
  tls: z.union([booleanField(), tlsSchema]).default(false).meta({
    description:
      "Uses TLS: `true`, or an object with `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
  }),
});

type Fields = z.output<typeof fields>;

/** Strict schema of a connection without its `type`. */
export const natsConnectionSchema: z.ZodType<NatsSettings> = fields.transform((input, issues) => ({
  servers: parseServers(input.servers, issues),
  login: loginOf(input, issues),
  inboxPrefix: input.inbox_prefix,
  timeoutMs: input.timeout * 1000,
  tls: input.tls === false ? undefined : input.tls === true ? SYSTEM_TLS : input.tls,
}));

function parseServers(given: string | readonly string[], issues: z.RefinementCtx): ServerAddress[] {
  const texts = typeof given === "string" ? given.split(",") : given;
  const servers: ServerAddress[] = [];
  for (const text of texts) {
    const server = parseServer(text.trim().replace(SCHEME, ""), DEFAULT_PORT);
    if (server !== undefined) servers.push(server);
    else if (text.includes("@")) {
      reportAt(issues, "servers", "Give user name and password as keys of their own");
    } else reportAt(issues, "servers", "Give each server as host:port, and TLS as the key tls");
  }
  if (texts.length === 0) reportAt(issues, "servers", "Name at least one server");
  return servers;
}

function loginOf(input: Fields, issues: z.RefinementCtx): NatsLogin {
  const { password, token, nkey_secret: seed, jwt_token: jwt, credentials_file: path } = input;
  const username = eitherOf(input, "username", "user", issues);
  if ((username === undefined) !== (password === undefined)) {
    reportAt(issues, "username", "username and password belong together: give both or neither");
  }
  if (jwt !== undefined && seed === undefined) reportAt(issues, "jwt_token", "Needs nkey_secret as well");
  const given = [username, token, seed, path].filter((value) => value !== undefined);
  if (given.length > 1) {
    reportAt(issues, "username", "Give one of username, token, nkey_secret and credentials_file");
  }
  if (username !== undefined && password !== undefined) return { kind: "password", username, password };
  if (token !== undefined) return { kind: "token", token };
  if (seed !== undefined) return { kind: "nkey", seed, jwt };
  return path === undefined ? { kind: "none" } : { kind: "file", path };
}
