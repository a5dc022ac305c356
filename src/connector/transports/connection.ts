/**
 * One connection to the gateway, whatever it is made of.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import type { ConnectedMessage, Report, WebhookMessage } from "../../relay/protocol/messages.ts";
import { HEADERS, PROTOCOL_VERSIONS } from "../../relay/protocol/negotiate.ts";

/** How long a goodbye may take, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 2_000;

/** Gets what arrives. */
export interface StreamListener {
  webhook(message: WebhookMessage): void;
  /** The gateway has paused for these reports; what was sent up to the sequence, was sent before. */
  paused(messageIds: readonly string[], sequence: number): void;
}

/** How and where to connect. Times are in milliseconds. */
export interface ConnectOptions {
  /** Without a final slash. */
  readonly cloudUrl: string;
  readonly channel: string;
  readonly token: string;
  readonly connectorId: string;
  /** Messages that the connector wants to hold at most. */
  readonly window: number;
  /** After how many bytes of their bodies it wants no more; left out, the channel's own limit counts. */
  readonly windowBytes?: number | undefined;
  /** What is resumed: the value of `Last-Event-ID`. */
  readonly resume: string | undefined;
  readonly client: Deno.HttpClient;
  readonly connectionTimeoutMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly ackTimeoutMs: number;
}

/** An open connection. */
export interface Connection {
  readonly connected: ConnectedMessage;
  /** Resolves with the reason when the connection has ended. Never rejects. */
  readonly closed: Promise<string>;
  /** The resume point: `Last-Event-ID` of the next connection. */
  readonly resumePoint: string;
  /** Begins to hand messages to the listener. */
  begin(): void;
  /** Reports the outcome of a message. Reports get lost with the connection: the next one repeats them. */
  report(report: Report): void;
  /** Asks for nothing more. */
  stop(): void;
  /** Says goodbye once all reports are sent, so that nothing is waited for that will not come back. */
  close(): Promise<void>;
}

/** An open connection, or why there is none. */
export type Opened =
  | {
    readonly connection: Connection;
    /** Which kind it is where better ones were not to be had, and why not. */
    readonly substitute?: { readonly kind: string; readonly reason: string };
  }
  | {
    readonly refusal: string;
    /** Whether it is not the gateway that refuses, but something in between that lets this kind not through. */
    readonly isBlocked?: boolean;
  };

/** Opens connections of one kind. Never rejects. */
export type Connect = (
  options: ConnectOptions,
  listener: StreamListener,
  signal: AbortSignal,
) => Promise<Opened>;

/** The headers of every request to the gateway. */
export function requestHeaders(options: ConnectOptions): Headers {
  const headers = new Headers({
    authorization: `Bearer ${options.token}`,
    [HEADERS.protocol]: PROTOCOL_VERSIONS.join(","),
    [HEADERS.connectorId]: options.connectorId,
    [HEADERS.window]: String(options.window),
  });
  if (options.windowBytes !== undefined) headers.set(HEADERS.windowBytes, String(options.windowBytes));
  if (options.resume !== undefined) headers.set(HEADERS.lastEventId, options.resume);
  return headers;
}

/** The address of a route below `/connect/stream/{channel}`, or of another one below `/connect/`. */
export function addressOf(
  { cloudUrl, channel }: ConnectOptions,
  route: "status" | "stream",
  rest = "",
): string {
  return `${cloudUrl}/connect/${route}/${encodeURIComponent(channel)}${rest}`;
}

/** Why the gateway refused, from its answer: `{"error":{"code":"…","message":"…"}}`. */
export async function refusalOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as {
      readonly error: { readonly code: string; readonly message: string };
    };
    return `${error.message} (${error.code})`;
  } catch {
    return `The gateway, or a proxy before it, answered with status ${response.status}`;
  }
}

/** Why a request failed, in one line. Its cause says more than the error itself, where there is one. */
export function failureOf(error: unknown): string {
  if (error instanceof GatewayError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "The gateway did not answer in time";
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}

/**
 * Notices that nothing arrives any more. A line that was cut without a word, or a frozen machine, looks from
 * here like a gateway that has nothing to say.
 */
export class Watchdog implements Disposable {
  readonly #limitMs: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #heardAt = performance.now();

  /** @param onSilence called once with the reason */
  constructor(limitMs: number, onSilence: (reason: string) => void) {
    this.#limitMs = limitMs;
    this.#timer = setInterval(() => {
      if (performance.now() - this.#heardAt <= this.#limitMs) return;
      clearInterval(this.#timer);
      onSilence(`Nothing was heard from the gateway for ${this.#limitMs / 1000} seconds`);
    }, limitMs / 4);
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** How long the gateway may be silent: three of its heartbeats, or less where the connector is configured so. */
export function silenceLimitMs(options: ConnectOptions, connected: ConnectedMessage): number {
  return Math.min(options.heartbeatTimeoutMs, 3 * connected.heartbeat_interval_ms);
}
