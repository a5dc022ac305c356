/**
 * Connections of type `kafka`: their schema.
 *
 * @module
 */

import { z } from "zod";
import type { KafkaAddress } from "./kafkajs_client.ts";
import { secretField } from "../schema_fields.ts";
import { tlsSchema } from "./tls.ts";

const DEFAULT_PORT = 9092;
const LARGEST_PORT = 65_535;

/** A host name or IPv4 address: kafkajs takes the first colon for the one before the port. */
const BROKER = /^([a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?)(?::(\d{1,5}))?$/;

const MECHANISMS = {
  "PLAIN": "plain",
  "SCRAM-SHA-256": "scram-sha-256",
  "SCRAM-SHA-512": "scram-sha-512",
} as const;

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
});

type Fields = z.infer<typeof fields>;

/** Strict schema that ends in what a client needs to know. */
export const kafkaConnectionSchema: z.ZodType<KafkaAddress> = fields.transform((input, issues) => {
  const brokers = parseBrokers(input.bootstrap_servers, issues);
  return { brokers, tls: tlsOf(input, issues), sasl: saslOf(input, issues) };
});

/** Reports one problem. Its message must not show the value, which may hold a secret. */
function report(issues: z.RefinementCtx, key: keyof Fields, message: string): void {
  issues.addIssue({ code: "custom", path: [key], message });
}

function parseBrokers(servers: Fields["bootstrap_servers"], issues: z.RefinementCtx): string[] {
  const names = (typeof servers === "string" ? servers.split(",") : servers).map((name) => name.trim());
  if (names.some((name) => name.includes("://"))) {
    report(issues, "bootstrap_servers", "This is a URL: give host:port, or several of them");
    return [];
  }
  const brokers = names.flatMap((name) => {
    const [, host, port = DEFAULT_PORT] = BROKER.exec(name) ?? [];
    return host === undefined || Number(port) < 1 || Number(port) > LARGEST_PORT ? [] : [`${host}:${port}`];
  });
  if (brokers.length < names.length || brokers.length === 0) {
    report(issues, "bootstrap_servers", "Not host:port, or several of them: host names or IPv4 addresses");
  }
  return brokers;
}

function tlsOf({ security_protocol, tls }: Fields, issues: z.RefinementCtx): KafkaAddress["tls"] {
  if (security_protocol.endsWith("SSL")) return tls ?? tlsSchema.parse({});
  if (tls !== undefined) {
    report(issues, "tls", "Needs security_protocol SSL or SASL_SSL: nothing would be encrypted");
  }
  return undefined;
}

function saslOf(input: Fields, issues: z.RefinementCtx): KafkaAddress["sasl"] {
  const { sasl_mechanism: mechanism, sasl_username: username, sasl_password: password } = input;
  if (input.security_protocol.startsWith("SASL")) {
    if (mechanism !== undefined && username !== undefined && password !== undefined) {
      return { mechanism: MECHANISMS[mechanism], username, password };
    }
    report(issues, "security_protocol", "Needs sasl_mechanism, sasl_username and sasl_password");
  } else if (mechanism !== undefined || username !== undefined || password !== undefined) {
    report(issues, "security_protocol", "Must be SASL_SSL or SASL_PLAINTEXT for the sasl_ keys to be used");
  }
  return undefined;
}
