/**
 * Connections of type `activemq`: what may be configured about them. The keys are those of the Python original.
 *
 * @module
 */

import { z } from "zod";
import {
  hostField,
  portField,
  SYSTEM_TLS,
  timeoutField,
  tlsSchema,
  type TlsSettings,
} from "../../schema/connection_fields.ts";
import { booleanField, integerField, reportAt, secretField } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";

/** How to reach a broker. */
export interface ActivemqConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** `undefined`: no TLS. */
  readonly tls: TlsSettings | undefined;
  /** How often each side shows that it is there, in milliseconds; 0: never. */
  readonly heartbeatMs: number;
  /** How long the broker may take to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Longest frame that the broker takes as far as the operator knows, in bytes. */
  readonly maxFrameBytes: number;
}

const DEFAULT_HOST = "localhost";
const DEFAULT_PORTS = { plain: 61_613, tls: 61_614 } as const;
const DEFAULT_HEARTBEAT_SECONDS = 5;
const MAX_HEARTBEAT_SECONDS = 600;
const DEFAULT_TIMEOUT_SECONDS = 5;
const MAX_TIMEOUT_SECONDS = 60;

/** What the configuration has that a broker is installed with, in bytes. */
const DEFAULT_MAX_FRAME = 104_857_600;
const MAX_FRAME = 2_147_483_647;

/** The first frame of a connection has no way to write them (STOMP 1.2, value encoding). */
const UNFIT = /\p{Cc}/u;
const UNFIT_ERROR = "Contains control characters, which STOMP cannot carry here";

/** Files of the original have empty texts where there is no value. */
const userField = z.string().refine((text) => !UNFIT.test(text), { error: UNFIT_ERROR });
const passwordField = z.union([z.literal(""), secretField(/^\P{Cc}*$/u, UNFIT_ERROR)]);

const fields = z.strictObject({
  host: hostField().default(DEFAULT_HOST).meta({ description: "Host name or IP address of the broker." }),
  port: portField().optional().meta({
    description:
      `Port of its STOMP connector. Default: ${DEFAULT_PORTS.plain}, with TLS ${DEFAULT_PORTS.tls}.`,
  }),
  user: userField.nullish().meta({ description: "User name. Default, and when empty: none." }),
  username: userField.nullish().meta({ description: "The same as `user`." }),
  password: passwordField.nullish().meta({ description: "Password. Default, and when empty: none." }),
  use_ssl: booleanField().optional().meta({ description: "`true`: the same as `tls: true`." }),
  tls: tlsSchema.optional().meta({
    description:
      "Uses TLS, for a connector `stomp+ssl` or `stomp+nio+ssl`: `true`, or an object with `ca`, `cert`, `key`, " +
      "`servername` and `insecure_skip_verify`.",
  }),
  heartbeat: integerField(0, MAX_HEARTBEAT_SECONDS).default(DEFAULT_HEARTBEAT_SECONDS).meta({
    description:
      "Seconds after which each side shows that it is there. A broker that is silent for two of them is given up, " +
      "though nothing is sent. `0`: never.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that the broker may take to answer before the connection is given up.",
  }),
  max_frame_size: integerField(1024, MAX_FRAME).default(DEFAULT_MAX_FRAME).meta({
    description:
      "Longest frame that the broker takes, headers included, in bytes: its `wireFormat.maxFrameSize`. An event " +
      "with a longer one is a dead letter.",
  }),
});

type Fields = z.output<typeof fields>;

/** Strict schema of a connection without its `type`. */
export const activemqConnectionSchema: z.ZodType<ActivemqConnection> = fields.transform((input, issues) => {
  const tls = tlsOf(input, issues);
  const [user, password] = [userOf(input, issues), textOf(input.password)];
  if (user === undefined && password !== undefined) reportAt(issues, "user", "Required with a password");
  return {
    host: input.host,
    port: input.port ?? (tls === undefined ? DEFAULT_PORTS.plain : DEFAULT_PORTS.tls),
    user,
    password,
    tls,
    heartbeatMs: input.heartbeat * 1000,
    timeoutMs: input.timeout * 1000,
    maxFrameBytes: input.max_frame_size,
  };
});

function textOf(text: string | null | undefined): string | undefined {
  return text === "" || text === null ? undefined : text;
}

function userOf(input: Fields, issues: z.RefinementCtx): string | undefined {
  return eitherOf({ user: textOf(input.user), username: textOf(input.username) }, "user", "username", issues);
}

function tlsOf({ tls, use_ssl }: Fields, issues: z.RefinementCtx): TlsSettings | undefined {
  if (tls !== undefined && use_ssl === false) reportAt(issues, "use_ssl", "Contradicts tls: leave this out");
  return tls ?? (use_ssl === true ? SYSTEM_TLS : undefined);
}
