/**
 * What arrives over one connection, whatever it is made of.
 *
 * @module
 */

import type { ConnectedMessage, GatewayMessage } from "../../relay/protocol/messages.ts";
import { formatResumePoint, parseResumePoint } from "../../relay/protocol/negotiate.ts";
import type { ConnectOptions, StreamListener } from "./connection.ts";

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
    } else if (message?.type === "webhooks") {
      for (const webhook of message.webhooks) this.take(webhook);
    } else if (message?.type === "paused") {
      const { message_id, message_ids = [message_id ?? ""], sequence } = message;
      this.#listener.paused(message_ids, sequence);
    }
    return closingReason(message);
  }
}

/** Why the gateway ends the connection, if the message says so. */
export function closingReason(message: GatewayMessage | undefined): string | undefined {
  return message?.type === "closing" ? `${message.message} (${message.code})` : undefined;
}
