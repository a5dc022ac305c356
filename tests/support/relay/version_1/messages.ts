/**
 * The messages of the wire protocol between a gateway and its connectors, version 1; frozen as it
 * was when there was no other.
 *
 * @module
 */

import type { Rejection } from "../../../../src/channels/channel_queues.ts";

/** The gateway's first message on every connection. */
export interface ConnectedMessage {
  readonly type: "connected";
  readonly protocol: number;
  readonly connection_id: string;
  readonly channel: string;
  /** Whether the messages of the former connection are still the connector's. */
  readonly resumed: boolean;
  /** How many messages may be unacknowledged at once. */
  readonly window: number;
  readonly heartbeat_interval_ms: number;
  /** How long messages stay the connector's after it was last heard of. */
  readonly ack_timeout_ms: number;
  /** The gateway's version. */
  readonly server: string;
}

/** One event for the connector. */
export interface WebhookMessage {
  readonly type: "webhook";
  /** The same on every delivery of the event in this channel. */
  readonly message_id: string;
  /** Grows by one with each message of the connection. */
  readonly sequence: number;
  /** Which delivery this is, from 1. */
  readonly delivery: number;
  /** The gateway's id of the event, for receivers that remove duplicates. */
  readonly event_id: string;
  readonly namespace: string;
  readonly webhook_id: string;
  /** What its sender calls the event, such as `push`; left out where that is not known. */
  readonly event_type?: string | undefined;
  /** When the gateway received it, ISO 8601 in UTC. */
  readonly timestamp: string;
  /** The request's headers as received, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact body where it is valid UTF-8 and not long. */
  readonly body?: string;
  /** The exact body where it is not. */
  readonly body_base64?: string;
}

/** A sign of life. Whoever gets none for three intervals gives the connection up. */
export interface HeartbeatMessage {
  readonly type: "heartbeat";
  readonly timestamp: string;
}

/** The answer to each `nack` with `delay_ms`: the messages up to this one were sent before the pause. */
export interface PausedMessage {
  readonly type: "paused";
  readonly message_id: string;
  readonly sequence: number;
}

/** The gateway's last message: why it ends the connection. */
export interface ClosingMessage {
  readonly type: "closing";
  readonly code: EndCode;
  readonly message: string;
}

/** Everything that a gateway sends. */
export type GatewayMessage =
  | ConnectedMessage
  | WebhookMessage
  | HeartbeatMessage
  | PausedMessage
  | ClosingMessage;

/** Why a gateway ends a connection, and the close code of its WebSocket. */
export const END_CODES = {
  /** The gateway stops. */
  draining: 4001,
  invalid_message: 4400,
  /** The token was taken out of the configuration. */
  unauthorized: 4401,
  /** No webhook of the configuration names the channel any more. */
  channel_not_found: 4404,
  /** Nothing was heard from the connector for three heartbeats. */
  heartbeat_missed: 4408,
  /** The connector resumed this connection with another one. */
  superseded: 4409,
  /** The queue cannot be used. */
  journal_unavailable: 4503,
} as const;

/** A key of {@linkcode END_CODES}. */
export type EndCode = keyof typeof END_CODES;

/** What a connector says became of a message. */
export type Report =
  | { readonly type: "ack"; readonly message_id: string }
  | {
    readonly type: "nack";
    readonly message_id: string;
    /** `true`: hand it out again; `false`: it goes to the dead letters. */
    readonly retry: boolean;
    /** With `retry`: how long the gateway hands out nothing on this connection. */
    readonly delay_ms?: number | undefined;
    /** Without `retry`: why. */
    readonly code?: Rejection["code"] | undefined;
    readonly error?: string | undefined;
  };

/** What a connector sends over a WebSocket. */
export type ConnectorMessage =
  | Report
  | { readonly type: "heartbeat"; readonly timestamp?: string | undefined }
  /** Hand out nothing more: the connector finishes what it holds and ends. */
  | { readonly type: "stop" };
