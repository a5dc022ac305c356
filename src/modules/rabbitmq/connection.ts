/**
 * Connections of type `rabbitmq`: what may be configured about them.
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
import { decodedPart, parseServerUrl } from "../../schema/addresses.ts";
import { integerField, reportAt, secretField } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";

/** How to reach a RabbitMQ. */
export interface RabbitmqConnection {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  /** `undefined`: no TLS. */
  readonly tls: TlsSettings | undefined;
  /** After about three of these times of silence, in seconds, a connection is given up. */
  readonly heartbeatSeconds: number;
  /** How long the server may take to answer, in milliseconds. */
  readonly timeoutMs: number;
}

const DEFAULT_HOST = "localhost";
const DEFAULT_PORTS = { plain: 5672, tls: 5671 } as const;
/** The user that a new RabbitMQ has, whom it lets in from its own machine alone. */
const DEFAULT_LOGIN = "guest";
const DEFAULT_VHOST = "/";
const DEFAULT_HEARTBEAT_SECONDS = 10;
const MAX_HEARTBEAT_SECONDS = 600;
const DEFAULT_TIMEOUT_SECONDS = 5;
const MAX_TIMEOUT_SECONDS = 60;
/** Longest text of a name in AMQP, in bytes. */
const MAX_VHOST = 255;

const textField = z.string().min(1);

const fields = z.strictObject({
  host: hostField().optional().meta({
    description: `Host name or IP address. Default: \`${DEFAULT_HOST}\`.`,
  }),
  port: portField().optional().meta({
    description: `Port. Default: ${DEFAULT_PORTS.plain}, with TLS ${DEFAULT_PORTS.tls}.`,
  }),
  user: textField.optional().meta({ description: `User name. Default: \`${DEFAULT_LOGIN}\`.` }),
  username: textField.optional().meta({ description: "The same as `user`." }),
  pass: secretField().optional().meta({ description: `Password. Default: \`${DEFAULT_LOGIN}\`.` }),
  password: secretField().optional().meta({ description: "The same as `pass`." }),
  vhost: z.string().min(1).max(MAX_VHOST).optional().meta({
    description: `The virtual host, as it is called. Default: \`${DEFAULT_VHOST}\`.`,
  }),
  url: secretField().optional().meta({
    description:
      "All of this as one address, instead of the keys above: `amqp://user:pass@host:5672/vhost`, or " +
      "`amqps://…` for TLS. What is no letter or digit in its parts is percent-encoded; the virtual host `/` is `%2F`.",
  }),
  tls: tlsSchema.optional().meta({
    description:
      "Uses TLS: `true`, or an object with `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
  }),
  heartbeat: integerField(1, MAX_HEARTBEAT_SECONDS).default(DEFAULT_HEARTBEAT_SECONDS).meta({
    description:
      "Seconds after which each side shows that it is there. A server that is silent for three of them " +
      "is given up, though nothing is sent.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that RabbitMQ may take to confirm a message.",
  }),
});

type Fields = z.output<typeof fields>;

/** Strict schema of a connection without its `type`. */
export const rabbitmqConnectionSchema: z.ZodType<RabbitmqConnection> = fields.transform((input, issues) => {
  const { tls, heartbeat, timeout } = input;
  const keys = input.url === undefined ? placeOf(input, issues) : placeOfUrl(input, input.url, issues);
  const usesTls = tls !== undefined || keys.isSecure;
  return {
    host: keys.host ?? DEFAULT_HOST,
    port: keys.port ?? (usesTls ? DEFAULT_PORTS.tls : DEFAULT_PORTS.plain),
    username: keys.username ?? DEFAULT_LOGIN,
    password: keys.password ?? DEFAULT_LOGIN,
    vhost: keys.vhost ?? DEFAULT_VHOST,
    tls: usesTls ? tls ?? SYSTEM_TLS : undefined,
    heartbeatSeconds: heartbeat,
    timeoutMs: timeout * 1000,
  };
});

/** What has been given of a server's place and of the login there. */
interface Place {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly vhost?: string | undefined;
  readonly isSecure?: boolean;
}

function placeOf(input: Fields, issues: z.RefinementCtx): Place {
  const { host, port, vhost } = input;
  return {
    host,
    port,
    vhost,
    username: eitherOf(input, "user", "username", issues),
    password: eitherOf(input, "pass", "password", issues),
  };
}

function placeOfUrl(input: Fields, text: string, issues: z.RefinementCtx): Place {
  for (const key of ["host", "port", "user", "username", "pass", "password", "vhost"] as const) {
    if (input[key] !== undefined) reportAt(issues, key, "The url says it: leave this out");
  }
  const place = parseAmqpUrl(text);
  if (place !== undefined) return place;
  reportAt(issues, "url", "Not an address such as amqp://user:pass@host:5672/vhost (percent-encoded)");
  return {};
}

/** Reads an address as https://www.rabbitmq.com/docs/uri-spec has it; `undefined` when it is none. */
function parseAmqpUrl(text: string): Place | undefined {
  const { scheme, path = "", ...server } = parseServerUrl(text, ["amqp", "amqps"]) ?? {};
  if (scheme === undefined || path.includes("/")) return undefined;
  const vhost = decodedPart(path);
  return vhost === undefined
    ? undefined
    : { ...server, vhost: vhost || undefined, isSecure: scheme === "amqps" };
}
