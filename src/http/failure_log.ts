import type { Logger } from "@logtape/logtape";
import { RefusalError } from "../auth/authenticator.ts";
import type { ClientAddressResolver } from "../auth/client_address.ts";
import type { ErrorCode, GatewayError } from "../errors.ts";
import { RateLimited } from "../observability/rate_limited.ts";

/** The address of the other end of the connection; empty for Unix sockets. */
export function peerAddress(info: Deno.ServeHandlerInfo): string {
  return info.remoteAddr.transport === "tcp" ? info.remoteAddr.hostname : "";
}

/**
 * Writes failed requests to the log where an operator can do something about them: refused credentials,
 * failing outputs, bugs. A sender's own mistakes are counted, not logged, or anyone could fill the log.
 */
export class FailureLog {
  readonly #logger: Logger;
  readonly #reports = new RateLimited();
  readonly #clientAddress: ClientAddressResolver;

  constructor(logger: Logger, clientAddress: ClientAddressResolver) {
    this.#logger = logger;
    this.#clientAddress = clientAddress;
  }

  /** @param webhook the configured webhook, if there is one */
  report(
    error: GatewayError,
    webhook: { readonly namespace: string; readonly id: string } | undefined,
    requestId: string,
    request: Request,
    info: Deno.ServeHandlerInfo,
  ): void {
    const level = levelOf(error.code);
    if (level === undefined) return;
    const name = webhook === undefined ? "unknown" : `${webhook.namespace}/${webhook.id}`;
    this.#reports.run(`${name} ${error.code}`, (suppressed) => {
      this.#logger[level]("Request to {webhook} failed: {code}", {
        webhook: name,
        code: error.code,
        requestId,
        client: this.#clientAddress.resolve(peerAddress(info), request.headers),
        ...explain(error),
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    });
  }
}

/** A refusal and an output name their own reason; any other error is explained by what caused it. */
function explain(error: GatewayError): { readonly reason?: string; readonly cause?: unknown } {
  if (error.cause instanceof RefusalError) {
    const { message, cause } = error.cause;
    return { reason: message, ...(cause === undefined ? {} : { cause }) };
  }
  const reason = error.disposition === "refused" ? {} : { reason: error.message };
  return { ...reason, ...(error.cause === undefined ? {} : { cause: error.cause }) };
}

function levelOf(code: ErrorCode): "info" | "warning" | "error" | undefined {
  switch (code) {
    case "internal_error":
      return "error";
    case "journal_unavailable":
    case "output_failed":
    case "output_rejected":
    case "output_unavailable":
    case "output_timeout":
    case "overloaded":
      return "warning";
    case "unauthorized":
    case "forbidden":
      return "info";
    default:
      return undefined;
  }
}
