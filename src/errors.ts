/**
 * The one catalogue of errors: every code that a client, an operator or a metric can see, with its HTTP
 * status, what happens to the event, and what to do. The list of errors in `src/http/README.md` is made from it.
 *
 * @module
 */

/**
 * What happens to the event that met the error.
 *
 * - `refused`: it was never accepted; the sender's answer says so, and it may be sent again.
 * - `retry`: the output may take it later; the gateway (or the sender) tries again.
 * - `dead_letter`: trying again cannot help; it needs an operator.
 */
export type Disposition = "refused" | "retry" | "dead_letter";

interface CatalogueEntry {
  /** HTTP status of the answer. */
  readonly status: number;
  readonly disposition: Disposition;
  /** The default message of the answer: says what is wrong in one sentence. */
  readonly message: string;
  /** What the sender or the operator can do about it. */
  readonly remedy: string;
}

function refused(status: number, message: string, remedy: string): CatalogueEntry {
  return { status, disposition: "refused", message, remedy };
}

function retried(status: number, message: string, remedy: string): CatalogueEntry {
  return { status, disposition: "retry", message, remedy };
}

/** Every error code of the HTTP surface and of the outputs. Codes are stable; messages may be reworded. */
export const ERROR_CATALOGUE = {
  not_found: refused(404, "There is nothing at this path", "Use `POST /webhook/{namespace}/{webhook_id}`."),
  method_not_allowed: refused(
    405,
    "This method is not allowed here",
    "Use one of the methods in the `Allow` header.",
  ),
  invalid_host: refused(400, "The Host header is not valid", "Send a valid `Host` header."),
  invalid_namespace: refused(
    400,
    "The namespace in the path is not valid",
    "A namespace has 1 to 64 characters of `a-z A-Z 0-9 _ -`.",
  ),
  invalid_webhook_id: refused(
    400,
    "The webhook id in the path is not valid",
    "A webhook id has 1 to 64 of `a-z A-Z 0-9 _ -` and single dots inside, and begins with a letter or digit.",
  ),
  invalid_query: refused(
    400,
    "The query of this admin route is not valid",
    "Use the names and values that the message gives.",
  ),
  webhook_not_found: refused(
    404,
    "This webhook does not exist",
    "Check the path; add the webhook to the configuration.",
  ),
  webhook_disabled: refused(
    404,
    "This webhook is switched off",
    "Set `enabled` to `true` or remove the key.",
  ),
  webhook_misconfigured: refused(
    503,
    "The configuration of this webhook is not valid",
    "See the log, `/admin/config` or `cwm check` for the reason.",
  ),
  secret_unavailable: refused(
    503,
    "A secret of this webhook cannot be read at the moment",
    "Wait; see the log or `/admin/config` for what keeps it from being read.",
  ),
  connection_unresolved: refused(
    503,
    "The webhook's connection cannot be resolved",
    "Define the connection, or name one with `connection` when several match.",
  ),
  not_ready: refused(
    503,
    "The configuration has not been loaded yet",
    "Wait; see `/readyz` for what is missing.",
  ),
  unauthorized: refused(
    401,
    "The request is not authenticated",
    "Send the credentials that this webhook asks for.",
  ),
  authentication_unavailable: refused(
    503,
    "The request cannot be authenticated at the moment",
    "Send again after `Retry-After`; see the log: a server that knows the credentials cannot be asked.",
  ),
  forbidden: refused(
    403,
    "This request is not allowed",
    "Admin routes need `ADMIN_TOKEN` or `ADMIN_TOKENS_FILE` to be set.",
  ),
  role_required: refused(
    403,
    "This needs a token with another role",
    "Use a token of `ADMIN_TOKENS_FILE` with the role that the message names.",
  ),
  invalid_challenge: refused(
    400,
    "This is no challenge of the provider",
    "Send what the provider sends: see src/auth/challenges/README.md for the form of each.",
  ),
  rate_limited: refused(
    429,
    "Too many requests",
    "Send again after `Retry-After`; raise `rate_limit` of the webhook, or `NAMESPACE_RATE_LIMIT`.",
  ),
  empty_body: refused(400, "The body is empty", "Send a body, or set `empty_body` to `accept`."),
  invalid_json: refused(
    400,
    "The body is not valid JSON",
    "Send a JSON document in UTF-8 or in the declared `charset`, or set `data_type` to `blob`.",
  ),
  invalid_form: refused(
    400,
    "The form is not valid",
    "Send at most 1,000 fields, in UTF-8 or the declared `charset`, and the field that `form_field` names once.",
  ),
  unsupported_media_type: refused(
    415,
    "This Content-Type is not supported",
    "Send the type in the `Accept` header of the answer, or change the webhook's `data_type`.",
  ),
  invalid_encoding: refused(
    400,
    "The body does not match its Content-Encoding",
    "Send complete data in the declared coding, or no `Content-Encoding`.",
  ),
  invalid_content_length: refused(
    400,
    "The Content-Length header is not valid",
    "Send the body's length in bytes as digits, once.",
  ),
  body_incomplete: refused(400, "The body ended early", "The connection broke; send the request again."),
  body_timeout: refused(408, "The body did not arrive in time", "Send faster, or raise `BODY_TIMEOUT_MS`."),
  body_too_large: refused(
    413,
    "The body is too large",
    "Send less, or raise `max_body_bytes` of the webhook or `MAX_BODY_BYTES`.",
  ),
  json_too_complex: refused(
    413,
    "The JSON document is too complex",
    "Send less in one event, or raise `MAX_JSON_DEPTH` or `MAX_JSON_VALUES`.",
  ),
  schema_mismatch: refused(
    422,
    "The document does not match the schema of this webhook",
    "Send what `json_schema` of the webhook describes; the message says where the document does not match it.",
  ),
  unsupported_encoding: refused(
    415,
    "This Content-Encoding is not supported",
    "Use the codings in the `Accept-Encoding` header of the answer, at most three, or none.",
  ),
  unsupported_charset: refused(
    415,
    "The charset of the Content-Type is not known",
    "Send UTF-8, or name a charset of the WHATWG Encoding Standard.",
  ),
  overloaded: refused(
    503,
    "The gateway is at its limit",
    "Send again after `Retry-After`; raise `MAX_INFLIGHT`, `MAX_INFLIGHT_BYTES` or `MAX_CONNECTIONS`, or find the slow output.",
  ),
  repeat_under_way: refused(
    503,
    "Another instance is delivering the same event",
    "Send again after `Retry-After`: it is then a repeat, or delivered.",
  ),
  webhook_paused: refused(
    503,
    "The deliveries of this webhook are paused",
    "Send again after `Retry-After`; an operator has paused it, see `cwm resume`.",
  ),
  webhook_switched_off: refused(
    503,
    "The target of this webhook has failed for long, and is tried now and then",
    "Send again after `Retry-After`; mend the target, or see `cwm resume`.",
  ),
  journal_unavailable: refused(
    503,
    "The journal cannot be written",
    "Send again after `Retry-After`; see the log: the disk of `DATA_DIR` is full, read-only or failing.",
  ),
  journal_share_full: refused(
    503,
    "The events of this webhook that are not delivered have its share of the journal",
    "Send again after `Retry-After`; find the output that is down, see to the dead letters, or raise `JOURNAL_MAX_BYTES`.",
  ),
  draining: refused(503, "The gateway is shutting down", "Send again; another instance will answer."),
  channel_not_found: refused(
    404,
    "This channel does not exist",
    "Check the connector's `channel`; add a webhook with the module `webhook_connect` that names it.",
  ),
  unsupported_protocol: refused(
    400,
    "The relay protocol version is not supported",
    "Use a connector of a version that speaks one of the gateway's protocol versions.",
  ),
  upgrade_required: refused(
    400,
    "This path speaks WebSocket only",
    "Connect by WebSocket over HTTP/1.1, or use the paths that end in `/sse` and `/poll`.",
  ),
  too_many_connections: refused(
    503,
    "The channel has all the connections that it may have",
    "Stop a connector, or raise `max_connections` of the webhook, or `max_polls` for polls that wait.",
  ),
  connection_not_found: refused(
    404,
    "This connection has ended",
    "Connect again; the gateway restarted, or heard nothing from the connector for too long.",
  ),
  invalid_message: refused(
    400,
    "The message is not valid",
    "See src/relay/PROTOCOL.md for what a connector may send, and src/relay/PULL.md for pulling consumers.",
  ),
  invalid_handle: refused(
    400,
    "A handle is not that of a lease of this channel",
    "Name leases by the handles that `receive` gave, with the path of their channel and a token that is still valid.",
  ),
  filter_failed: {
    status: 500,
    disposition: "dead_letter",
    message: "The filter or the payload of this webhook cannot be used on this event",
    remedy:
      "Mend `filter`, `when` or `payload` of the webhook, see `cwm filter`; then send or replay the event again.",
  },
  output_failed: retried(
    502,
    "The output could not take the event",
    "See the log for the output's own error.",
  ),
  output_rejected: {
    status: 502,
    disposition: "dead_letter",
    message: "The output refused the event for good",
    remedy: "See the log: the event or the webhook's `module-config` must change.",
  },
  output_answer_unusable: {
    status: 502,
    disposition: "dead_letter",
    message: "The event was delivered, but the output's answer cannot be passed on",
    remedy: "The answer must be whole, not compressed and at most 64 KiB: see `response` of the webhook.",
  },
  output_unavailable: retried(
    503,
    "The output cannot be reached",
    "Check the system behind the webhook's connection.",
  ),
  output_throttled: retried(
    503,
    "The output asks for fewer events",
    "Send again after `Retry-After`; set `limits.target_rate` to what the output allows.",
  ),
  output_timeout: retried(
    504,
    "The output did not answer in time",
    "Check the output's speed, or raise its `timeout`.",
  ),
  internal_error: retried(500, "The gateway failed", "A bug: see the log under the answer's `X-Request-Id`."),
} as const satisfies Record<string, CatalogueEntry>;

/** A key of the catalogue. */
export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** The codes that an output may fail with. */
export type DeliveryErrorCode = typeof DELIVERY_ERROR_CODES[number];

/** Every {@linkcode DeliveryErrorCode}. */
export const DELIVERY_ERROR_CODES = [
  "filter_failed",
  "output_failed",
  "output_rejected",
  "output_unavailable",
  "output_throttled",
  "output_timeout",
  "overloaded",
] as const satisfies readonly ErrorCode[];

/** What an error may carry besides its code. */
export interface GatewayErrorOptions {
  /** What failed underneath. Goes to the log, never to the client. */
  readonly cause?: unknown;
  /**
   * More than the message says, in one sentence for the operator: goes to the log and to the admin routes, never
   * to the client. Holds nothing that the client sent and no secret.
   */
  readonly reason?: string;
  /** Seconds for the `Retry-After` header of the answer. */
  readonly retryAfterSeconds?: number | undefined;
  /** More response headers, for example `Allow` or `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the answer is in the place of the code's status, and of a text. */
  readonly answer?: RefusalAnswer | undefined;
}

/** How a certain sender wants to hear a no. */
export interface RefusalAnswer {
  readonly status: number;
  /** Whether there is no body. */
  readonly isEmpty: boolean;
}

/** What an output's error may carry besides. */
export interface DeliveryErrorOptions extends GatewayErrorOptions {
  /** @see {@linkcode DeliveryError.isPartial} */
  readonly isPartial?: boolean;
  /** @see {@linkcode DeliveryError.isGone} */
  readonly isGone?: boolean;
}

/** An error with a stable code; `message` is safe to show to the client. */
export class GatewayError extends Error {
  override readonly name: string = "GatewayError";
  readonly code: ErrorCode;
  /** For the operator alone; `undefined` where the message says all. */
  readonly reason: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly #answer: RefusalAnswer | undefined;

  constructor(code: ErrorCode, message?: string, options: GatewayErrorOptions = {}) {
    super(
      message ?? ERROR_CATALOGUE[code].message,
      "cause" in options ? { cause: options.cause } : undefined,
    );
    this.code = code;
    this.reason = options.reason;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers;
    this.#answer = options.answer;
  }

  get status(): number {
    return this.#answer?.status ?? ERROR_CATALOGUE[this.code].status;
  }

  /** Whether the answer has no body. */
  get isEmpty(): boolean {
    return this.#answer?.isEmpty === true;
  }

  get disposition(): Disposition {
    return ERROR_CATALOGUE[this.code].disposition;
  }
}

/**
 * An output's failure to take one event. The message names the output's own reason for the log; clients
 * get the catalogue's message instead, since the reason may name hosts and tables inside the network.
 */
export class DeliveryError extends GatewayError {
  override readonly name = "DeliveryError";
  /**
   * Whether only a part of the system behind the output failed, such as one broker of several: events for the
   * other parts go on. @default false
   */
  readonly isPartial: boolean;
  /** Whether the output says that it takes nothing any more, whatever the event, as with status 410. @default false */
  readonly isGone: boolean;

  constructor(code: DeliveryErrorCode, message?: string, options?: DeliveryErrorOptions) {
    super(code, message, options);
    this.isPartial = options?.isPartial ?? false;
    this.isGone = options?.isGone ?? false;
  }
}

/** Exit statuses of the command line. */
export const EXIT_STATUS = { failed: 1, usage: 2 } as const;

/** A reason not to start: one plain line per problem for the operator, and the exit status. */
export class StartupError extends Error {
  override readonly name = "StartupError";

  constructor(
    readonly code:
      | "settings_invalid"
      | "address_in_use"
      | "address_not_available"
      | "backend_unreachable"
      | "data_directory_in_use"
      | "data_directory_newer"
      | "file_not_written"
      | "gateway_unreachable"
      | "journal_unavailable"
      | "usage",
    readonly problems: readonly string[],
    options?: ErrorOptions,
  ) {
    super(problems.join("\n"), options);
  }

  get exitStatus(): number {
    return this.code === "settings_invalid" || this.code === "usage" ? EXIT_STATUS.usage : EXIT_STATUS.failed;
  }
}

/** An invariant that does not hold: a bug of the gateway. A sender gets `internal_error`, the log the message. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/**
 * The new value of a counter of memory, places or users: a negative one, or one that is not an integer, would bound
 * nothing any more. Where this throws before the counter is set, the counter keeps its value.
 *
 * @param name of what is counted, for the message
 * @throws {InvariantError} when the value is not a safe integer from 0
 */
export function assertCount(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvariantError(`The count of ${name} would be ${value}`);
}

/**
 * What an error of the runtime or a library is known by: its `code`, such as `ECONNREFUSED`, otherwise the name of its
 * class. Unlike its message, it shows nothing of what was sent.
 */
export function errorCode(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return String(code ?? name);
}
