import { UnavailableError } from "../unavailable.ts";

/** Seconds after which a sender should try again. */
const RETRY_AFTER_SECONDS = 5;

/** A server that has to be asked about a request cannot be. */
export class ServerUnavailableError extends UnavailableError {
  override readonly name = "ServerUnavailableError";

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
}
