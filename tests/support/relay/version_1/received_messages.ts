/**
 * What arrived over one connection when version 1 of the protocol was the only one; frozen.
 *
 * @module
 */

import type { ConnectedMessage, GatewayMessage } from "./messages.ts";
import { formatResumePoint, parseResumePoint } from "../../../../src/relay/protocol/negotiate.ts";
import type { ConnectOptions, StreamListener } from "../../../../src/connector/transports/connection.ts";

/** Hands the gateway's messages on, and knows where the next connection has to resume. */
export class ReceivedMessages {
  readonly connected: ConnectedMessage;
  readonly #listener: StreamListener;
  #sequence: number;

  constructor(options: ConnectOptions, listener: StreamListener, connected: ConnectedMessage) {
    this.connected = connected;
    this.#listener = listener;
    // A resumed connection goes on where the former one ended.
    this.#sequence = connected.resumed ? parseResumePoint(options.resume ?? null)?.sequence ?? 0 : 0;
  }

  /** `Last-Event-ID` of the next connection. */
  get resumePoint(): string {
    return formatResumePoint({ connectionId: this.connected.connection_id, sequence: this.#sequence });
  }

  /** Hands a message on. Returns the reason when it ends the connection. */
  take(message: GatewayMessage | undefined): string | undefined {
    if (message?.type === "webhook") {
      this.#sequence = message.sequence;
      this.#listener.webhook(message);
    } else if (message?.type === "paused") this.#listener.paused([message.message_id], message.sequence);
    return closingReason(message);
  }
}

/** Why the gateway ends the connection, if the message says so. */
export function closingReason(message: GatewayMessage | undefined): string | undefined {
  return message?.type === "closing" ? `${message.message} (${message.code})` : undefined;
}
