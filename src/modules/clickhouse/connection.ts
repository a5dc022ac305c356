/**
 * The connection of `clickhouse`: its schema and compiled form. The keys are those of the Python original; where
 * it speaks ClickHouse's native protocol, this module speaks HTTP.
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
import { type HttpAddress, type HttpAddressFault, parseHttpBase } from "../../schema/addresses.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import type { BatchBounds } from "../module.ts";
import { MAX_NAME } from "./config.ts";

/** A compiled connection. */
export interface ClickhouseConnection {
  /** Of the HTTP interface; its path is `/` but behind a proxy that serves several things. */
  readonly endpoint: HttpAddress;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly tls: TlsSettings;
  readonly batch: BatchBounds;
}

/** ClickHouse's own port numbers: of HTTP, and of the native protocol, which the original speaks. */
const HTTP_PORT = 8123;
const HTTPS_PORT = 8443;
const NATIVE_PORTS: ReadonlySet<number> = new Set([9000, 9440]);

/** RFC 7617: a colon ends the user name, and control characters belong to neither. */
const USER_NAME = /^[^:\p{Cc}]+$/u;
const PASSWORD = /^\P{Cc}*$/u;

const connectionFields = z.strictObject({
  url: z.string().min(1).optional().meta({
    description: "Address of the HTTP interface, such as `https://clickhouse.example:8443`, instead of " +
      "`host`, `port`, `http_port` and `secure`.",
  }),
  host: hostField("give it as 'url', or the host name alone").optional().meta({
    description: "Host name or address. Default: `localhost`.",
  }),
  http_port: portField().optional().meta({
    description: "Port of the HTTP interface. Default: `port`, or else 8123, with `secure` 8443.",
  }),
  port: portField().optional().meta({
    description: "The same, as the original names it. 9000 and 9440, ClickHouse's ports for the protocol " +
      "that the original speaks, stand for 8123, with `secure` 8443.",
  }),
  database: z.string().min(1).max(MAX_NAME).default("default").meta({
    description: "The database that holds the tables.",
  }),
  user: z.string().regex(USER_NAME, {
    error: "A user name is not empty, and has no colon and no control characters",
  }).optional().meta({ description: "User name. Default: `default`." }),
  username: z.string().regex(USER_NAME, {
    error: "A user name is not empty, and has no colon and no control characters",
  }).optional().meta({ description: "The same as `user`." }),
  password: z.union([
    z.literal(""),
    z.null(),
    secretField(PASSWORD, "A password has no control characters"),
  ]).optional().meta({ description: "The user's password. Default, and when empty: none." }),
  secure: booleanField().optional().meta({ description: "`true`: HTTPS. Default: `false`." }),
  verify: booleanField().default(true).meta({
    description: "`false`: takes any certificate, like `insecure_skip_verify` of `tls`.",
  }),
  tls: tlsSchema.optional().meta({
    description: "Files and names for HTTPS: `ca`, `cert`, `key`, `servername`, `insecure_skip_verify`.",
  }),
  batch_rows: integerField(1, 100_000).default(10_000).meta({
    description: "Most rows of one insert.",
  }),
  batch_bytes: integerField(1, 1_073_741_824).default(8_388_608).meta({
    description: "Most bytes of bodies in one insert; a single larger event is sent alone.",
  }),
  batch_wait_ms: integerField(0, 5_000).default(20).meta({
    description:
      "How long an event waits for others while no insert is under way, in milliseconds. Longer: fewer " +
      "and larger inserts.",
  }),
});

const URL_PROBLEMS: Readonly<Record<HttpAddressFault | "query", string>> = {
  incomplete: "Not a complete address, such as http://localhost:8123",
  scheme: "Only http and https are spoken here",
  credentials: "User name and password do not belong into the address: use user and password",
  query: "The address cannot have a query or a fragment",
};

type Issues = z.RefinementCtx;

/** Strict schema that ends in the compiled form. */
export const clickhouseConnectionSchema: z.ZodType<ClickhouseConnection> = connectionFields.transform(
  (input, issues) => {
    const endpoint = input.url === undefined ? endpointOf(input) : parseUrl(input, input.url, issues);
    const { tls = SYSTEM_TLS, verify } = input;
    const user = eitherOf(input, "user", "username", issues);
    if (endpoint === undefined) return z.NEVER;
    if (endpoint.protocol === "http:" && input.tls !== undefined) {
      reportAt(issues, "tls", "Files for TLS are of no use without HTTPS: set secure to true");
    }
    return {
      endpoint,
      database: input.database,
      user: user ?? "default",
      password: input.password ?? "",
      tls: { ...tls, insecure_skip_verify: tls.insecure_skip_verify || !verify },
      batch: {
        maxBatch: input.batch_rows,
        maxBatchBytes: input.batch_bytes,
        lingerMs: input.batch_wait_ms,
      },
    };
  },
);

type Input = z.output<typeof connectionFields>;

function endpointOf({ host = "localhost", http_port, port, secure = false }: Input): HttpAddress {
  const usual = secure ? HTTPS_PORT : HTTP_PORT;
  const named = port === undefined || NATIVE_PORTS.has(port) ? usual : port;
  return {
    protocol: secure ? "https:" : "http:",
    hostname: host,
    port: http_port ?? named,
    path: "/",
  };
}

function parseUrl(input: Input, text: string, issues: Issues): HttpAddress | undefined {
  for (const key of ["host", "port", "http_port", "secure"] as const) {
    if (input[key] !== undefined) reportAt(issues, key, "This says again what url says: give one of them");
  }
  const address = parseHttpBase(text);
  if (typeof address !== "string") return address;
  reportAt(issues, "url", URL_PROBLEMS[address]);
  return undefined;
}
