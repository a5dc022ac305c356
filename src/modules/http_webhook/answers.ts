/**
 * What the answer of an HTTP service means for an event, or that there was none.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import { parseRetryAfter } from "../../io/retry_after.ts";
import {
  type Answer,
  type Destination,
  InterimAnswersError,
  RefusedAddressError,
} from "../../io/http_client.ts";
import type { DeliveryResult } from "../module.ts";

/** Refusals that pass: the request came too late, too early or too often. */
const TEMPORARY_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** How messages name a destination. Path and query stay out: many services put a secret there. */
export function nameOf({ hostname, port }: Destination): string {
  return authorityOf(hostname, port);
}

/** What an answer means for the event. */
export function judgeAnswer({ status, headers }: Answer, destination: Destination): DeliveryResult {
  if (status >= 200 && status < 300) return "delivered";
  const message = `Destination ${nameOf(destination)} answered ${status}`;
  if (TEMPORARY_STATUSES.has(status) || status >= 500) {
    const retryAfterSeconds = parseRetryAfter(headers["retry-after"], Date.now());
    return new DeliveryError(
      "output_failed",
      message,
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    );
  }
  const target = headers.location === undefined
    ? undefined
    : URL.parse(headers.location, `${destination.protocol}//${nameOf(destination)}`);
  if (status < 300 || status >= 400 || !target) return new DeliveryError("output_rejected", message);
  const redirected = `${message}, a redirect to ${target.host}: redirects are not followed, change url`;
  return new DeliveryError("output_rejected", redirected);
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
  const code = codeOf(error);
  // So begin the codes of the HTTP parser: something answered, but not in HTTP.
  if (code.startsWith("HPE_")) {
    return new DeliveryError("output_failed", `${name} did not answer in HTTP: ${code}`, options);
  }
  return new DeliveryError("output_unavailable", `${name} cannot be reached: ${code}`, options);
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return String(code ?? name);
}
