/**
 * What refusals of lots mean, and what is said of them.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import { type PostgresError, SQL_STATE } from "../../../io/postgres/errors.ts";

/** When a sender may try again that a gateway refuses which ends, in seconds: another one may take its event. */
const RETRY_AFTER_SECONDS = 1;

/** Errors that pass by themselves: of transactions that met, and of an operator who ends statements. */
const PASSING_CLASSES = ["40", "57"];

/** Whether the same lot may be taken a moment later. */
export function mayPass({ endsConnection, sqlState }: PostgresError): boolean {
  return endsConnection || sqlState === SQL_STATE.lockNotAvailable ||
    PASSING_CLASSES.includes(sqlState.slice(0, 2));
}

/** What the sender of an event gets of which the server refuses something, and would again. */
export function eventRefused(error: PostgresError): GatewayError {
  return new GatewayError("internal_error", "The journal refuses this event", {
    reason: error.message,
    cause: error,
  });
}

/** The journal is closed, or about to be. */
export function draining(): GatewayError {
  return new GatewayError("draining", undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
