/**
 * Fields of verifiers that name a server to ask.
 *
 * @module
 */

import { type Destination as PolicyDestination, guardedDestination } from "../../policy/destination.ts";
import type { z } from "zod";
import { parseDestination, parsePolicy } from "../../io/destination_fields.ts";
import type { Destination } from "../../io/http_client.ts";
import { reportAt } from "../../schema/fields.ts";

/** The servers that a configuration has verifiers ask, as a policy judges them. @param given with the keys that name them */
export function askedServers(
  given: readonly (readonly [key: string, server: Destination | undefined])[],
): readonly PolicyDestination[] {
  return given.flatMap(([key, server]) => server === undefined ? [] : [guardedDestination(server, key)]);
}

/**
 * The server behind an address; `undefined` where a problem was reported.
 *
 * @param key the key of the address, a `urlField()`
 * @param allowedHosts the value of an `allowedHostsField()` beside it, which also permits `http`
 */
export function parseServer(
  key: string,
  url: string,
  allowedHosts: readonly string[],
  issues: z.RefinementCtx,
): Destination | undefined {
  const policy = parsePolicy(allowedHosts, issues);
  if (policy === undefined) return undefined;
  const server = parseDestination(url, policy, issues, key, "see the other keys");
  if (server?.protocol !== "http:" || allowedHosts.length > 0) return server;
  reportAt(
    issues,
    key,
    "Must begin with https: the answer decides who gets in. Or name the host in allowed_hosts",
  );
  return undefined;
}
