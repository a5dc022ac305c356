/**
 * `module-config` of `http_webhook`: its schema, and its compiled form that requests work from.
 *
 * @module
 */

import { z } from "zod";
import { isSensitiveName } from "../../observability/redaction.ts";
import { timeoutField } from "../../schema/connection_fields.ts";
import { booleanField, hasNoOuterWhiteSpace, OUTER_WHITE_SPACE, reportAt } from "../../schema/fields.ts";
import { type HttpAddressFault, parseHttpAddress } from "../../schema/addresses.ts";
import {
  type AllowedHost,
  comparableHost,
  DestinationPolicy,
  parseAllowedHost,
} from "../../io/destination_policy.ts";
import type { Destination } from "../../io/http_client.ts";
import { formOf, type Header, isForwardable, refuseConfiguredHeader } from "../../event/header_policy.ts";

const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 3600;
const MAX_URL = 8192;

/** A compiled `module-config`. */
export interface HttpWebhookConfig {
  readonly destination: Destination;
  readonly method: "POST" | "PUT" | "PATCH";
  /** The configured headers; they win over forwarded ones. */
  readonly headers: readonly Header[];
  /** The forms of their names, which no received header may be taken for. */
  readonly headerForms: ReadonlySet<string>;
  readonly timeoutMs: number;
  /** Names in lower case of the received headers that go along; `all` means all that may. */
  readonly forwarded: readonly string[] | "all";
}

const fields = z.strictObject({
  url: z.string().min(1).max(MAX_URL).meta({
    description: "Where events are sent to: an `http` or `https` address without user name and password.",
  }),
  method: z.string().toUpperCase().pipe(z.enum(["POST", "PUT", "PATCH"])).default("POST").meta({
    description: "`POST`, `PUT` or `PATCH`.",
  }),
  headers: z.record(z.string(), z.string()).default({}).meta({
    description: "Headers that are added to every request.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that one attempt may take.",
  }),
  forward_headers: booleanField().default(false).meta({
    description:
      "Sends the received headers along. Credentials, signatures, headers that concern one connection only and " +
      "names that may be taken for `cwm-…` or configured ones are never sent along. `Content-Type` always is.",
  }),
  allowed_headers: z.array(z.string().min(1)).optional().meta({
    description:
      "With `forward_headers`: only these, whatever their case. Default: all that may be sent along.",
  }),
  allowed_hosts: z.array(z.string()).default([]).meta({
    description:
      "When not empty, the only destinations that are permitted, private ones included: host names " +
      "and IP addresses, both with or without `:port`, and address ranges such as `10.0.0.0/8`. Default: every " +
      "public address.",
  }),
});

const URL_PROBLEMS: Readonly<Record<HttpAddressFault, string>> = {
  incomplete: "Not a complete address, such as https://example.com/path",
  scheme: "Only http and https addresses can be sent to",
  credentials:
    "User name and password do not belong into the address: set the Authorization header in headers",
};

type Issues = z.RefinementCtx;

/** Strict schema that ends in the compiled form. */
export const httpWebhookConfigSchema: z.ZodType<HttpWebhookConfig> = fields.transform((input, issues) => {
  const headers = parseHeaders(input.headers, issues);
  const policy = parsePolicy(input.allowed_hosts, issues);
  const destination = policy === undefined ? undefined : parseDestination(input.url, policy, issues);
  if (destination === undefined) return z.NEVER;
  const allowed = input.allowed_headers?.map((name) => name.toLowerCase()).filter(isForwardable);
  return {
    destination,
    method: input.method,
    headers,
    headerForms: new Set(headers.map(([name]) => formOf(name))),
    timeoutMs: input.timeout * 1000,
    forwarded: input.forward_headers ? allowed ?? "all" : [],
  };
});

function parsePolicy(entries: readonly string[], issues: Issues): DestinationPolicy | undefined {
  const allowed: AllowedHost[] = [];
  for (const [index, entry] of entries.entries()) {
    const parsed = parseAllowedHost(entry.trim());
    if (parsed !== undefined) allowed.push(parsed);
    else {reportAt(
        issues,
        ["allowed_hosts", index],
        "Not a host name, host:port, IP address or address range",
      );}
  }
  return allowed.length === entries.length ? new DestinationPolicy(allowed) : undefined;
}

function parseHeaders(configured: Readonly<Record<string, string>>, issues: Issues): Header[] {
  const headers = new Map<string, string>();
  for (const [name, untrimmed] of Object.entries(configured)) {
    const value = untrimmed.trim();
    const lowerCase = name.toLowerCase();
    const refusal = headers.has(lowerCase)
      ? "This header is given twice"
      : refuseSecret(name, untrimmed) ?? refuseConfiguredHeader(name, value);
    if (refusal === undefined) headers.set(lowerCase, value);
    else reportAt(issues, ["headers", name], refusal);
  }
  return [...headers];
}

/** HTTP removes white space around a value, so that it is no matter but for a secret that was meant to be another. */
function refuseSecret(name: string, value: string): string | undefined {
  return isSensitiveName(name) && !hasNoOuterWhiteSpace(value) ? OUTER_WHITE_SPACE : undefined;
}

function parseDestination(text: string, policy: DestinationPolicy, issues: Issues): Destination | undefined {
  const address = parseHttpAddress(text);
  if (typeof address === "string") {
    reportAt(issues, "url", URL_PROBLEMS[address]);
    return undefined;
  }
  const hostname = comparableHost(address.hostname);
  const refusal = policy.refuseHost(hostname, address.port);
  if (refusal === undefined) return { ...address, hostname, policy };
  reportAt(issues, "url", `The host is refused, it is ${refusal}: see allowed_hosts`);
  return undefined;
}
