/**
 * Whether a request is to be let in cannot be found out at the moment. The sender gets 503 and not 401, since it may be
 * who it says it is; the message is for the operator, and holds no secret and nothing that the client sent.
 */
export class UnavailableError extends Error {
  override readonly name: string = "UnavailableError";
  /** For the `Retry-After` header of the answer. */
  readonly retryAfterSeconds: number;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterSeconds: number }) {
    super(message, options);
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
