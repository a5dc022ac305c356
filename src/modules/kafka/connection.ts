/**
 * Connections of type `kafka`: their schema.
 *
 * @module
 */

import { z } from "zod";
import { parseServer } from "../../schema/addresses.ts";
import { SYSTEM_TLS, tlsSchema, type TlsSettings } from "../../schema/connection_fields.ts";
import { numberField, reportAt, secretField } from "../../schema/fields.ts";
import type { SaslLogin } from "./protocol/sasl.ts";

/** How a cluster is reached. */
export interface KafkaConnection {
  /** Brokers to begin with, as `host:port`; they name the others. */
  readonly brokers: readonly string[];
  /** `undefined` for connections without TLS. */
  readonly tls: TlsSettings | undefined;
  /** `undefined` where nobody needs to log in. */
  readonly sasl: SaslLogin | undefined;
  /** What the brokers know the gateway by. */
  readonly clientId: string;
  /** How old what is known of topics may become, in milliseconds. */
  readonly metadataMaxAgeMs: number;
}

const DEFAULT_PORT = 9092;

const DEFAULT_CLIENT_ID = "core-webhook-module";

const CLIENT_ID = /^[\x21-\x7e]{1,249}$/;

const DEFAULT_METADATA_MAX_AGE_SECONDS = 60;
const MAX_METADATA_MAX_AGE_SECONDS = 86_400;

const fields = z.strictObject({
  bootstrap_servers: z.union([z.string(), z.array(z.string())], {
    error: "Not a text or a list of texts, such as kafka-1:9092",
  }).default("localhost:9092").meta({
    description:
      "Brokers to begin with, as a list or separated by commas: `kafka-1:9092,kafka-2:9092`. They name the others.",
  }),
  security_protocol: z.string().toUpperCase().pipe(
    z.enum(["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
  ).default("PLAINTEXT").meta({
    description:
      "`SSL` and `SASL_SSL` encrypt; `SASL_SSL` and `SASL_PLAINTEXT` log in with the `sasl_` keys.",
  }),
  sasl_mechanism: z.string().toUpperCase().pipe(
    z.enum(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
  ).optional().meta({ description: "How to log in: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`." }),
  sasl_username: z.string().min(1).optional().meta({ description: "The user." }),
  sasl_password: secretField().optional().meta({ description: "The user's password." }),
  tls: tlsSchema.optional().meta({
    description: "Settings of the encryption: `ca`, `cert`, `key` (files in PEM), `servername` and " +
      "`insecure_skip_verify`. Default: the server's certificate is checked against the system's authorities.",
  }),
  client_id: z.string().regex(CLIENT_ID, {
    error: "Not a client id: 1 to 249 characters of ASCII without spaces",
  }).default(DEFAULT_CLIENT_ID).meta({
    description:
      "What the brokers know the gateway by, in their logs and quotas: 1 to 249 characters of ASCII " +
      "without spaces.",
  }),
  metadata_max_age: numberField(1, MAX_METADATA_MAX_AGE_SECONDS).default(DEFAULT_METADATA_MAX_AGE_SECONDS)
    .meta({
      description: "Seconds after which partitions that were added to a topic are used at the latest.",
    }),
});

type Fields = z.infer<typeof fields>;

/** Strict schema that ends in what a client needs to know. */
export const kafkaConnectionSchema: z.ZodType<KafkaConnection> = fields.transform((input, issues) => {
  const brokers = parseBrokers(input.bootstrap_servers, issues);
  return {
    brokers,
    tls: tlsOf(input, issues),
    sasl: saslOf(input, issues),
    clientId: input.client_id,
    metadataMaxAgeMs: input.metadata_max_age * 1000,
  };
});

function parseBrokers(servers: Fields["bootstrap_servers"], issues: z.RefinementCtx): string[] {
  const names = (typeof servers === "string" ? servers.split(",") : servers).map((name) => name.trim());
  if (names.some((name) => name.includes("://"))) {
    reportAt(issues, "bootstrap_servers", "This is a URL: give host:port, or several of them");
    return [];
  }
  const brokers = names.flatMap((name) => {
    const server = parseServer(name, DEFAULT_PORT);
    return server === undefined || server.host.includes(":") ? [] : [`${server.host}:${server.port}`];
  });
  if (brokers.length < names.length || brokers.length === 0) {
    reportAt(issues, "bootstrap_servers", "Not host:port, or several of them: host names or IPv4 addresses");
  }
  return brokers;
}

function tlsOf({ security_protocol, tls }: Fields, issues: z.RefinementCtx): KafkaConnection["tls"] {
  if (security_protocol.endsWith("SSL")) return tls ?? SYSTEM_TLS;
  if (tls !== undefined) {
    reportAt(issues, "tls", "Needs security_protocol SSL or SASL_SSL: nothing would be encrypted");
  }
  return undefined;
}

function saslOf(input: Fields, issues: z.RefinementCtx): KafkaConnection["sasl"] {
  const { sasl_mechanism: mechanism, sasl_username: username, sasl_password: password } = input;
  if (input.security_protocol.startsWith("SASL")) {
    if (mechanism !== undefined && username !== undefined && password !== undefined) {
      return { mechanism, username, password };
    }
    reportAt(issues, "security_protocol", "Needs sasl_mechanism, sasl_username and sasl_password");
  } else if (mechanism !== undefined || username !== undefined || password !== undefined) {
    reportAt(issues, "security_protocol", "Must be SASL_SSL or SASL_PLAINTEXT for the sasl_ keys to be used");
  }
  return undefined;
}
