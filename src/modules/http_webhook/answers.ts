/**
 * What the answer of an HTTP service means for an event, or that there was none.
 *
 * @module
 */

import { DeliveryError, errorCode } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import { unreachable } from "../../io/connection.ts";
import { parseRetryAfter } from "../../io/retry_after.ts";
import type { HttpProxy } from "../../io/http/endpoint.ts";
import { ProxyError, WRONG_LOGIN } from "../../io/http/proxy.ts";
import {
  type Answer,
  type Destination,
  InterimAnswersError,
  RefusedAddressError,
} from "../../io/http_client.ts";
import type { DeliveryResult } from "../module.ts";
import { reject, retry, type Verdict, verdictError, VerdictTable } from "../verdicts.ts";
import { ruleOf, type StatusRule } from "./statuses.ts";

/** What a proxy answers that wants to know who uses it (RFC 9110, section 15.5.8). */
const PROXY_LOGIN_WANTED = 407;

const FINAL = reject("answered");
const PASSING = retry("answered");

/**
 * Refusals of the event stay. Those of the moment pass: routes are missing while something is deployed, tokens are
 * changed, and a request can come too late, too early or too often. So do failures of the destination, and redirects,
 * which lead nowhere until somebody changes them.
 */
const STATUSES = new VerdictTable({
  "4*": FINAL,
  "401 403 404 407 408 409 421 423 424 425 429": PASSING,
}, PASSING);

/** Answers from this status on are failures of whoever answers. */
const FIRST_FAILURE = 500;

/** Nothing is taken there any more, whatever the event. */
const GONE = 410;

/** With `Retry-After` they say that the destination takes nothing for a while, whatever the event. */
const THROTTLING: readonly number[] = [429, 503];

/** How messages name a destination. Path and query stay out: many services put a secret there. */
export function nameOf({ hostname, port }: Pick<Destination, "hostname" | "port">): string {
  return authorityOf(hostname, port);
}

/** A destination as metrics and the log name it. */
export function originOf(destination: Destination): string {
  return `${destination.protocol}//${nameOf(destination)}`;
}

/**
 * What an answer means for the event.
 *
 * @param rules those of the webhook, which win over the usual ones. @default none
 */
export function judgeAnswer(
  { status, headers }: Answer,
  destination: Destination,
  rules: readonly StatusRule[] = [],
): DeliveryResult {
  if (status >= 200 && status < 300) return "delivered";
  const proxy = refusingProxy(status, destination);
  if (proxy !== undefined) return judgeFailure(new ProxyError(proxy, WRONG_LOGIN), destination);
  const verdict = verdictOn(status, rules);
  const message = `Destination ${nameOf(destination)} ${verdict.text} ${status}${
    redirectOf(headers, status, destination)
  }`;
  if (verdict.kind !== "retry") return verdictError(verdict, message, { isGone: status === GONE });
  const retryAfterSeconds = parseRetryAfter(headers["retry-after"], Date.now());
  if (retryAfterSeconds !== undefined && THROTTLING.includes(status)) {
    return new DeliveryError("output_throttled", message, { retryAfterSeconds });
  }
  return verdictError(verdict, message, { retryAfterSeconds });
}

/** Whether an answer shows that its destination has failed. A webhook may say that such an answer is about the event. */
export function isFailureOf({ status }: Answer, result: DeliveryResult): boolean {
  return status >= FIRST_FAILURE && result !== "delivered" && result.disposition === "retry";
}

/** The proxy that has answered in the place of the destination, since it wants to know who uses it. */
export function refusingProxy(status: number, { protocol, proxy }: Destination): HttpProxy | undefined {
  // What comes through a way to an https destination is the destination's own.
  return status === PROXY_LOGIN_WANTED && protocol === "http:" ? proxy : undefined;
}

function verdictOn(status: number, rules: readonly StatusRule[]): Verdict {
  const rule = ruleOf(rules, status);
  if (rule === undefined) return STATUSES.find(status);
  return rule === "final" ? FINAL : PASSING;
}

/** What a message says of a redirect: its host, since the rest of the address may be a secret. */
function redirectOf({ location }: Answer["headers"], status: number, destination: Destination): string {
  if (status < 300 || status >= 400 || location === undefined) return "";
  const target = URL.parse(location, originOf(destination));
  return target === null ? "" : `, a redirect to ${target.host}: redirects are not followed, change url`;
}

/** What it means for the event that there was no answer. */
export function judgeFailure(error: unknown, destination: Destination): DeliveryError {
  const name = `Destination ${nameOf(destination)}`;
  const options = { cause: error };
  if (error instanceof RefusedAddressError) {
    return new DeliveryError(
      "output_rejected",
      `${name} is refused, ${error.message}: see allowed_hosts`,
      options,
    );
  }
  if (error instanceof ProxyError) {
    return new DeliveryError("output_unavailable", `${name} cannot be reached: ${error.message}`, options);
  }
  if (error instanceof InterimAnswersError) {
    return new DeliveryError("output_failed", `${name} sends interim (1xx) answers without end`, options);
  }
  const code = errorCode(error);
  // So begin the codes of the HTTP parser: something answered, but not in HTTP.
  if (code.startsWith("HPE_")) {
    return new DeliveryError("output_failed", `${name} did not answer in HTTP: ${code}`, options);
  }
  return unreachable(name, error);
}
