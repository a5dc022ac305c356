/**
 * Connections of type `redis-rq` and `redis`: what may be configured about them.
 *
 * @module
 */

import { type Destination, fileDestinations, hostDestination } from "../../policy/destination.ts";
import { z } from "zod";
import { parseServer, type ServerAddress } from "../../schema/addresses.ts";
import {
  hostField,
  portField,
  timeoutField,
  tlsSchema,
  type TlsSettings,
} from "../../schema/connection_fields.ts";
import { integerField, reportAt, secretField } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;
const MAX_SENTINELS = 32;
const MAX_DATABASE = 2 ** 31 - 1;
const DEFAULT_TIMEOUT_SECONDS = 5;
const MAX_TIMEOUT_SECONDS = 60;
const MAX_REPLICAS = 100;

/** Sentinels, which know where the primary of a name is at the moment. */
export interface RedisSentinels {
  readonly sentinels: readonly ServerAddress[];
  /** The name that they watch it under. */
  readonly master: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** How to reach a Redis server. */
export interface RedisConnection {
  readonly server: ServerAddress | RedisSentinels;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** `undefined`: no TLS. */
  readonly tls: TlsSettings | undefined;
  /** Whether a webhook holds it: what it names as files must not be the gateway's own. */
  readonly isOfWebhook?: true;
  /** How long the server may take to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** How many replicas must have what was written before it counts. */
  readonly replicas: number;
}

const textField = z.string().min(1);

/** The keys of a connection, for schemas that have further ones. */
export const redisConnectionFields = {
  host: hostField().meta({ description: "Host name or IP address." }),
  port: portField().default(DEFAULT_PORT).meta({ description: "Port." }),
  db: integerField(0, MAX_DATABASE).default(0).meta({ description: "Number of the database." }),
  username: textField.nullish().meta({ description: "User name (ACL). Default: the default user." }),
  user: textField.nullish().meta({ description: "The same as `username`." }),
  password: z.union([z.literal(""), secretField()]).nullish().meta({
    description: "Password. Default, and when empty: none.",
  }),
  tls: tlsSchema.optional().meta({
    description:
      "Uses TLS: `true`, or an object with `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that Redis may take to answer before the connection is given up.",
  }),
};

type Input = Omit<z.output<z.ZodObject<typeof redisConnectionFields>>, "host" | "port">;

/** What {@linkcode redisConnectionFields} say, once it is known that no user name stands without a password. */
export function redisConnectionOf(
  input: Input,
  server: RedisConnection["server"],
  issues: z.RefinementCtx,
): RedisConnection {
  const { db, tls } = input;
  const given = { username: eitherOf(input, "username", "user", issues), password: input.password };
  const { username, password } = loginOf(given, "", issues);
  return { server, db, username, password, tls, timeoutMs: input.timeout * 1000, replicas: 0 };
}

const sentinelField = z.union([
  textField,
  z.strictObject({ host: hostField(), port: portField().default(DEFAULT_SENTINEL_PORT) }),
]);

const fields = z.strictObject({
  ...redisConnectionFields,
  host: hostField().optional().meta({
    description: "Host name or IP address. Required where there are no `sentinels`.",
  }),
  port: portField().optional().meta({ description: `Port. Default: ${DEFAULT_PORT}.` }),
  sentinels: z.union([textField, z.array(sentinelField).min(1).max(MAX_SENTINELS)], {
    error: "Not a text or a list, such as sentinel-1:26379",
  }).optional().meta({
    description: "Sentinels that know the primary, instead of `host`, as a list or separated by commas: " +
      "`sentinel-1:26379,sentinel-2:26379`. They are asked before each connection.",
  }),
  master: textField.optional().meta({
    description: "Name of the primary in the Sentinels' configuration, such as `mymaster`.",
  }),
  sentinel_username: textField.nullish().meta({
    description: "User name at the Sentinels. Default: the default user.",
  }),
  sentinel_password: secretField().nullish().meta({
    description: "Password at the Sentinels. Default: none.",
  }),
  replicas: integerField(0, MAX_REPLICAS).default(0).meta({
    description:
      "Replicas that must have an event before it counts as delivered (`WAIT`). With 1 no event is lost " +
      "when a primary that has been replaced takes writes for a while.",
  }),
});

/** Strict schema of a connection without its `type`. */
export const redisConnectionSchema: z.ZodType<RedisConnection> = fields.transform((input, issues) => ({
  ...redisConnectionOf(input, serverOf(input, issues), issues),
  replicas: input.replicas,
}));

type Fields = z.output<typeof fields>;

function serverOf(input: Fields, issues: z.RefinementCtx): RedisConnection["server"] {
  const { host, port, sentinels, master } = input;
  if (sentinels === undefined) {
    for (const key of ["master", "sentinel_username", "sentinel_password"] as const) {
      if ((input[key] ?? undefined) !== undefined) reportAt(issues, key, "Is of no use without sentinels");
    }
    if (host === undefined) reportAt(issues, "host", "Required, unless there are sentinels");
    return { host: host ?? "", port: port ?? DEFAULT_PORT };
  }
  for (const key of ["host", "port"] as const) {
    if (input[key] !== undefined) {
      reportAt(issues, key, "The sentinels say where the primary is: leave this out");
    }
  }
  if (master === undefined) reportAt(issues, "master", "Required with sentinels: the name of the primary");
  return {
    sentinels: sentinelsOf(sentinels, issues),
    master: master ?? "",
    ...loginOf({ username: input.sentinel_username, password: input.sentinel_password }, "sentinel_", issues),
  };
}

function sentinelsOf(
  sentinels: NonNullable<Fields["sentinels"]>,
  issues: z.RefinementCtx,
): readonly ServerAddress[] {
  const all = typeof sentinels === "string" ? sentinels.split(",") : sentinels;
  return all.flatMap((one) => {
    if (typeof one !== "string") return [one];
    const server = parseServer(one, DEFAULT_SENTINEL_PORT);
    if (server !== undefined) return [server];
    reportAt(issues, "sentinels", "Not host:port, or several of them");
    return [];
  });
}

interface Login {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

function loginOf(
  input: { readonly username?: string | null | undefined; readonly password?: string | null | undefined },
  prefix: string,
  issues: z.RefinementCtx,
): Login {
  const username = input.username ?? undefined;
  const password = input.password || undefined;
  if (username !== undefined && password === undefined) {
    reportAt(
      issues,
      `${prefix}password`,
      `A user name is of no use without a password: set ${prefix}password`,
    );
  }
  return { username, password };
}

/** Where a connection leads. */
export function redisDestinations({ server, tls }: RedisConnection): readonly Destination[] {
  const servers = "sentinels" in server ? server.sentinels : [server];
  return [
    ...servers.map(({ host, port }) => hostDestination(host, port, "host")),
    ...fileDestinations(tls ?? {}, (key) => `tls.${key}`),
  ];
}
