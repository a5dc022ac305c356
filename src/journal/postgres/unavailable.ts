import { GatewayError } from "../../errors.ts";
import type { PostgresError } from "./connection/errors.ts";

/** When a sender may try again that was refused for the server's sake, in seconds. */
const RETRY_AFTER_SECONDS = 1;

/** What senders and operators get while the server cannot be reached, or refuses what is written. */
export function journalUnavailable(error: PostgresError): GatewayError {
  return new GatewayError("journal_unavailable", undefined, {
    reason: error.message,
    cause: error,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
