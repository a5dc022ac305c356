/**
 * What all transports of a session shared when version 1 of the protocol was the only one; frozen.
 *
 * @module
 */

import { VERSION } from "../../../../src/version.ts";
import type { ClosingMessage, ConnectedMessage, HeartbeatMessage } from "./messages.ts";
import type { End, RelaySession } from "../../../../src/relay/session.ts";

/** The first message on a connection. */
export function connectedMessage(
  session: RelaySession,
  protocol: number,
  resumed: boolean,
): ConnectedMessage {
  return {
    type: "connected",
    protocol,
    connection_id: session.id,
    channel: session.channelName,
    resumed,
    window: session.window,
    heartbeat_interval_ms: session.heartbeatIntervalMs,
    ack_timeout_ms: session.ackTimeoutMs,
    server: `cwm ${VERSION}`,
  };
}

/** What is sent to the connector at the end; nothing when it has ended the connection itself. */
export function closingMessages({ code, message }: End): ClosingMessage[] {
  return code === "left" ? [] : [{ type: "closing", code, message }];
}

/** Sends heartbeats until the signal aborts. */
export function beginHeartbeats(
  session: RelaySession,
  send: (message: HeartbeatMessage) => void,
  signal: AbortSignal,
): void {
  const timer = setInterval(
    () => send({ type: "heartbeat", timestamp: new Date().toISOString() }),
    session.heartbeatIntervalMs,
  );
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
