/**
 * How the destinations of a webhook are reached: through which proxy, if any, and by which TLS.
 *
 * @module
 */

import { type Destination as AskedHost, guardedDestination } from "../../policy/destination.ts";
import { z } from "zod";
import type { DestinationPolicy } from "../../io/destination_policy.ts";
import type { HttpProxy } from "../../io/http/endpoint.ts";
import { parseProxy } from "../../io/http/proxy.ts";
import { proxyFor, type ProxySettings } from "../../io/http/proxy_rules.ts";
import type { Destination } from "../../io/http_client.ts";
import { reportAt } from "../../schema/fields.ts";
import type { OwnTls } from "./login/own_tls.ts";

/** Says that none of the environment's proxies is used. */
const NO_PROXY = "none";

/** `proxy` of `module-config`. {@linkcode proxyChoice} judges it. */
export function proxyField(): z.ZodOptional<z.ZodString> {
  return z.string().min(1).optional();
}

/** The proxy of one destination, if any. */
export type ProxyChoice = (destination: Destination) => HttpProxy | undefined;

/**
 * Which proxy a webhook uses.
 *
 * @param given the value of `proxy`
 * @param policy of the webhook: whoever writes it could otherwise reach any address as a proxy
 * @param proxies of the environment, which the operator has chosen
 * @param asked gets the one that `given` names
 */
export function proxyChoice(
  given: string | undefined,
  policy: DestinationPolicy,
  proxies: ProxySettings | undefined,
  issues: z.RefinementCtx,
  asked: AskedHost[],
): ProxyChoice {
  if (given === NO_PROXY) return () => undefined;
  if (given === undefined) {
    return (destination) => proxies === undefined ? undefined : proxyFor(destination, proxies);
  }
  const proxy = parseProxy(given, policy);
  const problem = typeof proxy === "string"
    ? proxy
    : refusalOf(policy.refuseHost(proxy.hostname, proxy.port));
  if (problem !== undefined) reportAt(issues, "proxy", problem);
  if (typeof proxy !== "string") asked.push(guardedDestination(proxy, "proxy"));
  return () => typeof proxy === "string" ? undefined : proxy;
}

/**
 * A destination with the way to it; `undefined` where a problem was reported: a proxy resolves names by itself, so that
 * they have to be permitted as such.
 *
 * @param key the key of its address, or the keys down to it
 * @param tls `undefined` for the usual one
 */
export function reachedBy(
  destination: Destination,
  proxies: ProxyChoice,
  tls: OwnTls | undefined,
  key: string | readonly (string | number)[],
  issues: z.RefinementCtx,
): Destination | undefined {
  const proxy = proxies(destination);
  const { hostname, port, policy } = destination;
  const problem = proxy === undefined ? undefined : refusalOf(policy.refuseName(hostname, port));
  if (problem === undefined) {
    return {
      ...destination,
      ...(proxy === undefined ? {} : { proxy }),
      ...(tls === undefined ? {} : { tls }),
    };
  }
  reportAt(issues, key, problem);
  return undefined;
}

function refusalOf(refusal: string | undefined): string | undefined {
  return refusal === undefined ? undefined : `The host is refused, it is ${refusal}: see allowed_hosts`;
}
