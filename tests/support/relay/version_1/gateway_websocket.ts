/**
 * How a gateway served a session over a WebSocket when version 1 of the protocol was the only one; frozen.
 *
 * @module
 */

import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../../../../src/errors.ts";
import { type ConnectedMessage, type ConnectorMessage, END_CODES, type GatewayMessage } from "./messages.ts";
import { parseConnectorMessage } from "./schema.ts";
import type { End, RelaySession } from "../../../../src/relay/session.ts";
import { beginHeartbeats, closingMessages } from "./transport.ts";

/** Messages that are asked for at once. */
const BATCH = 16;

/** Bytes that may wait for a slow peer before nothing more is taken from the queue. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** How often a slow peer's progress is looked at, in milliseconds: WebSockets have no event for it. */
const BUFFER_CHECK_MS = 5;

/** For how long nothing must have come from a peer before its socket is closed, in milliseconds. */
const QUIET_MS = 20;

/** How long that is waited for, in milliseconds. */
const MAX_NOISE_MS = 500;

/** RFC 6455, section 7.4.1. */
const NORMAL_CLOSURE = 1000;

/** A close reason has at most 123 bytes (RFC 6455, section 5.5). */
const MAX_REASON = 120;

/** Sends and receives until the socket closes or the session ends. The session outlives its socket. */
export function serveWebSocket(session: RelaySession, socket: WebSocket, connected: ConnectedMessage): void {
  const closed = new AbortController();
  const send = (message: GatewayMessage) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  const attached = session.attach(async (end) => {
    for (const message of closingMessages(end)) send(message);
    closed.abort();
    await closeQuietSocket(socket, end);
  });
  const fail = (error: unknown) => session.fail(error);
  socket.addEventListener("open", () => {
    if (closed.signal.aborted) return closeSocket(socket, session.end);
    send(connected);
    beginHeartbeats(session, send, closed.signal);
    pump(session, socket, send, closed.signal).catch(fail);
  });
  socket.addEventListener("message", ({ data }) => {
    if (!closed.signal.aborted) receive(session, send, data).catch(fail);
  });
  socket.addEventListener("close", ({ code }) => {
    closed.abort();
    attached[Symbol.dispose]();
    // A connector that closes on purpose is not waited for.
    if (code === NORMAL_CLOSURE) session.leave();
  });
  // A broken connection is followed by a close event, which is what counts.
  socket.addEventListener("error", (event) => event.preventDefault());
}

async function pump(
  session: RelaySession,
  socket: WebSocket,
  send: (message: GatewayMessage) => void,
  signal: AbortSignal,
): Promise<void> {
  let limit = BATCH;
  while (!signal.aborted) {
    for (const message of await session.take(limit, signal)) send(message);
    // Large bodies one by one: what is taken from the queue stands in memory until it is sent.
    limit = socket.bufferedAmount > MAX_BUFFERED_BYTES ? 1 : BATCH;
    while (socket.bufferedAmount > MAX_BUFFERED_BYTES && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, BUFFER_CHECK_MS));
    }
  }
}

async function receive(
  session: RelaySession,
  send: (message: GatewayMessage) => void,
  data: unknown,
): Promise<void> {
  if (typeof data !== "string") throw new GatewayError("invalid_message", "Binary frames are not expected");
  const message: ConnectorMessage = parseConnectorMessage(data);
  session.heard();
  if (message.type === "heartbeat") return;
  if (message.type === "stop") return session.stop();
  const { paused } = await session.settle([message]);
  if (paused !== undefined) send({ type: "paused", message_id: message.message_id, sequence: paused });
}

/**
 * Closes a socket at a moment when nothing arrives: the runtime breaks the connection off, without the code of its end,
 * when a message comes while it is being closed. A peer that says nothing more once it has the reason is closed well.
 */
async function closeQuietSocket(socket: WebSocket, end: End): Promise<void> {
  let heard = true;
  const listener = () => heard = true;
  socket.addEventListener("message", listener);
  for (let waitedMs = 0; heard && waitedMs < MAX_NOISE_MS; waitedMs += QUIET_MS) {
    heard = false;
    await sleep(QUIET_MS);
    await nextTurn();
  }
  socket.removeEventListener("message", listener);
  closeSocket(socket, end);
}

function closeSocket(socket: WebSocket, end: End | undefined): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  const { code = "left", message = "" } = end ?? {};
  socket.close(code === "left" ? NORMAL_CLOSURE : END_CODES[code], message.slice(0, MAX_REASON));
}
