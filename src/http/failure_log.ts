/**
 * The log of requests that were refused or failed, at a bounded rate.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { RefusalError } from "../auth/authenticator.ts";
import type { ClientAddressResolver } from "../auth/client_address.ts";
import type { GatewayError } from "../errors.ts";
import { namesIn } from "../event/names.ts";
import { ChannelRefusal } from "../relay/channel_directory.ts";
import { ReportLimiter } from "../observability/report_limiter.ts";
import type { RefusalHistory } from "./refusal_history.ts";
import { SuppressedRequests, target } from "./suppressed_requests.ts";

/** How often one thing is reported at most, in milliseconds. */
const INTERVAL_MS = 10_000;

/** How much of a channel's name is written, in characters: strangers choose it. */
const MAX_CHANNEL = 128;

/** Warnings about senders in that time, whatever they do and to however many webhooks. */
const MAX_WARNINGS = 50;

/** The address of the other end of the connection; empty for Unix sockets. */
export function peerAddress(info: Deno.ServeHandlerInfo): string {
  return info.remoteAddr.transport === "tcp" ? info.remoteAddr.hostname : "";
}

/**
 * Where an operator sees failed requests.
 *
 * - Failing outputs and bugs: in the log, rarely enough not to flood it.
 * - What a webhook refused: in its history, in the log at `debug`, and so rarely at `warning` that strangers
 *   cannot fill the log.
 * - What did not reach a webhook: in the log at `debug`; anybody who scans for paths would fill it otherwise.
 * - The ids of those without a line of their own: together, every ten seconds.
 */
export class FailureLog implements Disposable {
  readonly #logger: Logger;
  readonly #failures = new ReportLimiter(INTERVAL_MS);
  readonly #refusals = new ReportLimiter(INTERVAL_MS, undefined, MAX_WARNINGS);
  readonly #suppressed: SuppressedRequests;
  readonly #history: RefusalHistory;
  readonly #clientAddress: ClientAddressResolver;
  readonly #onMismatch: (path: string) => void;

  /** @param onMismatch called when what a request to a webhook presents matches no secret. @default nothing */
  constructor(
    logger: Logger,
    history: RefusalHistory,
    clientAddress: ClientAddressResolver,
    onMismatch: (path: string) => void = () => {},
  ) {
    this.#onMismatch = onMismatch;
    this.#logger = logger;
    this.#suppressed = new SuppressedRequests(logger);
    this.#history = history;
    this.#clientAddress = clientAddress;
  }

  /** @param webhook the configured webhook, if there is one */
  report(
    error: GatewayError,
    webhook: { readonly path: string } | undefined,
    requestId: string,
    request: Request,
    info: Deno.ServeHandlerInfo,
  ): void {
    if (error instanceof ChannelRefusal) return this.#reportChannel(error, requestId, request, info);
    const { code } = error;
    const isRefusal = error.disposition === "refused";
    const level = levelOf(error, webhook !== undefined);
    const isDebugging = isRefusal && this.#logger.isEnabledFor("debug");
    if (level === undefined && !isDebugging && !(isRefusal && webhook !== undefined)) {
      this.#suppressed.add({ level: "info", path: undefined, code }, requestId);
      return;
    }
    const client = clientOf(error) ?? this.#clientAddress.resolve(peerAddress(info), request.headers);
    const path = webhook?.path;
    const explained = explain(error);
    if (isRefusal && webhook !== undefined) {
      const { reason } = explained;
      this.#history.add(webhook.path, { at: Date.now(), code, reason, client, requestId });
      if (error.cause instanceof RefusalError && error.cause.isMismatch) this.#onMismatch(webhook.path);
    }
    // Few of many refusals are logged: only for those is a record made.
    const log = (at: "debug" | "info" | "warning" | "error", suppressed = 0) =>
      this.#logger[at](`Request ${target(path)} failed: {code}`, {
        ...(path === undefined ? {} : namesIn(path)),
        code,
        requestId,
        client,
        ...explained,
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    if (isDebugging) log("debug");
    let isLogged = isDebugging;
    if (level !== undefined) {
      const limited = isRefusal && error.status < 500 ? this.#refusals : this.#failures;
      limited.run(`${path ?? ""} ${code}`, (suppressed) => {
        isLogged = true;
        log(level, suppressed);
      });
    }
    if (!isLogged) this.#suppressed.add({ level: level ?? "info", path, code }, requestId);
  }

  /** A connector or a consumer was not let in: operators look for it from both ends. */
  #reportChannel(
    { code, channel, message: reason }: ChannelRefusal,
    requestId: string,
    request: Request,
    info: Deno.ServeHandlerInfo,
  ): void {
    const client = this.#clientAddress.resolve(peerAddress(info), request.headers);
    // Strangers choose the name, so a channel that does not exist is no kind of its own.
    const kind = code === "unauthorized" ? `channel ${channel ?? ""}` : "channel";
    const what = channel === undefined ? "A request to channels" : "A request to channel {channel}";
    let isLogged = false;
    this.#refusals.run(`${kind} ${code}`, (suppressed) => {
      isLogged = true;
      this.#logger.warning(`${what} was refused: {reason}`, {
        ...(channel === undefined ? {} : { channel: channel.slice(0, MAX_CHANNEL) }),
        reason,
        code,
        client,
        requestId,
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    });
    if (!isLogged) this.#suppressed.add({ level: "info", path: undefined, code }, requestId);
  }

  [Symbol.dispose](): void {
    this.#suppressed[Symbol.dispose]();
  }
}

/** Who a verifier refused: a webhook may trust proxies of its own. */
export function clientOf({ cause }: GatewayError): string | undefined {
  return cause instanceof RefusalError ? cause.client : undefined;
}

/**
 * Why the request failed. The cause of a refusal is left out where it may quote what the client sent, as a
 * parser's does.
 */
export function explain(error: GatewayError): { readonly reason: string; readonly cause?: unknown } {
  const { cause } = error;
  const isVerdict = cause instanceof RefusalError;
  const reason = error.reason ?? (isVerdict ? cause.message : error.message);
  const deeper = isVerdict ? cause.cause : error.status < 500 ? undefined : cause;
  return deeper === undefined ? { reason } : { reason, cause: deeper };
}

/** `undefined` for what is worth no more than `debug`. */
function levelOf(error: GatewayError, byWebhook: boolean): "info" | "warning" | "error" | undefined {
  if (byWebhook && error.status < 500) return "warning";
  switch (error.code) {
    case "internal_error":
      return "error";
    case "authentication_unavailable":
    case "journal_unavailable":
    case "journal_share_full":
    case "webhook_switched_off":
    case "output_failed":
    case "output_rejected":
    case "output_unavailable":
    case "output_throttled":
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
