/**
 * Fields of configurations that say where the gateway sends requests to: an address, and the hosts that are permitted.
 *
 * @module
 */

import { z } from "zod";
import { type HttpAddressFault, parseHttpAddress } from "../schema/addresses.ts";
import { reportAt } from "../schema/fields.ts";
import {
  type AllowedHost,
  comparableHost,
  DestinationPolicy,
  parseAllowedHost,
} from "./destination_policy.ts";
import type { Destination } from "./http_client.ts";

const MAX_URL = 8192;

/** Where the problems of a configuration are reported. */
type Issues = z.RefinementCtx;

/** The address of an HTTP service. {@linkcode parseDestination} judges it. */
export function urlField(): z.ZodString {
  return z.string().min(1).max(MAX_URL);
}

/** `allowed_hosts`. {@linkcode parsePolicy} judges it. */
export function allowedHostsField(): z.ZodDefault<z.ZodArray<z.ZodString>> {
  return z.array(z.string()).default([]).meta({
    description:
      "When not empty, the only destinations that are permitted, private ones included: host names " +
      "and IP addresses, both with or without `:port`, and address ranges such as `10.0.0.0/8`. Default: every " +
      "public address.",
  });
}

/** The policy of the entries of `allowed_hosts`; `undefined` where problems were reported. */
export function parsePolicy(entries: readonly string[], issues: Issues): DestinationPolicy | undefined {
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

const URL_PROBLEMS: Readonly<Record<Exclude<HttpAddressFault, "credentials">, string>> = {
  incomplete: "Not a complete address, such as https://example.com/path",
  scheme: "Only http and https addresses can be sent to",
};

/**
 * The destination of an address; `undefined` where a problem was reported. Its message does not show the address, which
 * may hold a secret.
 *
 * @param key the key of the address, or the keys down to it
 * @param insteadOfCredentials what to do with a name and password, instead of writing them into the address
 */
export function parseDestination(
  text: string,
  policy: DestinationPolicy,
  issues: Issues,
  key: string | readonly (string | number)[],
  insteadOfCredentials: string,
): Destination | undefined {
  const address = parseHttpAddress(text);
  if (typeof address === "string") {
    const message = address === "credentials"
      ? `User name and password do not belong into the address: ${insteadOfCredentials}`
      : URL_PROBLEMS[address];
    reportAt(issues, key, message);
    return undefined;
  }
  const hostname = comparableHost(address.hostname);
  const refusal = policy.refuseHost(hostname, address.port);
  if (refusal === undefined) return { ...address, hostname, policy };
  reportAt(issues, key, `The host is refused, it is ${refusal}: see allowed_hosts`);
  return undefined;
}
