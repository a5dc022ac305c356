/** Seconds after which a sender should try again. */
const RETRY_AFTER_SECONDS = 5;

/**
 * A server that knows whether a request is to be let in cannot be asked. The sender gets 503, since it may be who it
 * says it is; the message is for the operator, and holds no secret and nothing that the client sent.
 */
export class ServerUnavailableError extends Error {
  override readonly name = "ServerUnavailableError";
  /** For the `Retry-After` header of the answer. */
  readonly retryAfterSeconds = RETRY_AFTER_SECONDS;
}
