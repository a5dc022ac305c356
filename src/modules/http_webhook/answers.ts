/**
 * What the answer of an HTTP service means for an event, or that there was none.
 *
 * @module
 */

import { DeliveryError, errorCode } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import { unreachable } from "../../io/connection.ts";
import { parseRetryAfter } from "../../io/retry_after.ts";
import {
  type Answer,
  type Destination,
  InterimAnswersError,
  RefusedAddressError,
} from "../../io/http_client.ts";
import type { DeliveryResult } from "../module.ts";
import { reject, retry, verdictError, VerdictTable } from "../verdicts.ts";

/** Refusals stay, unless the request came too late, too early or too often; failures of the destination pass. */
const STATUSES = new VerdictTable({
  "1* 3* 4*": reject("answered"),
  "408 425 429": retry("answered"),
}, retry("answered"));

/** How messages name a destination. Path and query stay out: many services put a secret there. */
export function nameOf({ hostname, port }: Destination): string {
  return authorityOf(hostname, port);
}

/** What an answer means for the event. */
export function judgeAnswer({ status, headers }: Answer, destination: Destination): DeliveryResult {
  if (status >= 200 && status < 300) return "delivered";
  const verdict = STATUSES.find(status);
  const message = `Destination ${nameOf(destination)} ${verdict.text} ${status}`;
  if (verdict.kind === "retry") {
    const retryAfterSeconds = parseRetryAfter(headers["retry-after"], Date.now());
    return verdictError(verdict, message, { retryAfterSeconds });
  }
  const target = headers.location === undefined
    ? undefined
    : URL.parse(headers.location, `${destination.protocol}//${nameOf(destination)}`);
  if (status < 300 || status >= 400 || !target) return verdictError(verdict, message);
  const redirected = `${message}, a redirect to ${target.host}: redirects are not followed, change url`;
  return verdictError(verdict, redirected);
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
