/**
 * What senders and operators get for failures of the server.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import type { PostgresError } from "../../io/postgres/errors.ts";

/** When a sender may try again that was refused for the server's sake, in seconds. */
const RETRY_AFTER_SECONDS = 1;

/** What senders and operators get for a statement that failed. */
export function failedStatement(error: PostgresError): GatewayError {
  return new GatewayError("journal_unavailable", undefined, { reason: error.message, cause: error });
}

/** What senders and operators get while the server cannot be reached, or refuses what is written. */
export function journalUnavailable(error: PostgresError): GatewayError {
  return new GatewayError("journal_unavailable", undefined, {
    reason: error.message,
    cause: error,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
