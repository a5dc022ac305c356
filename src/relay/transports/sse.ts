/**
 * Serves a session as Server-Sent Events. The connector answers over `/connect/ack`.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @module
 */

import type { ConnectedMessage, GatewayMessage } from "../protocol/messages.ts";
import { formatResumePoint } from "../protocol/negotiate.ts";
import type { RelaySession } from "../session.ts";
import { beginHeartbeats, closingMessages } from "./transport.ts";

/** Messages that are taken from the queue at once. */
const BATCH = 16;

/** Events that may wait for a slow peer before nothing more is taken from the queue. */
const BUFFERED_EVENTS = 16;

const encoder = new TextEncoder();

/** The body of the answer. The session outlives it. */
export function eventStream(session: RelaySession, connected: ConnectedMessage): ReadableStream<Uint8Array> {
  const closed = new AbortController();
  let attached: Disposable | undefined;
  const detach = () => {
    closed.abort();
    attached?.[Symbol.dispose]();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (message: GatewayMessage) => {
        if (!closed.signal.aborted) controller.enqueue(encoder.encode(sseEvent(session, message)));
      };
      attached = session.attach((end) => {
        for (const message of closingMessages(end)) send(message);
        closed.abort();
        controller.close();
      });
      send(connected);
      beginHeartbeats(session, send, closed.signal);
    },
    /** Called whenever there is room: a slow peer is not given more than it takes. */
    async pull(controller) {
      try {
        for (const message of await session.take(BATCH, closed.signal)) {
          if (!closed.signal.aborted) controller.enqueue(encoder.encode(sseEvent(session, message)));
        }
      } catch (error) {
        session.fail(error);
      }
    },
    cancel: detach,
  }, { highWaterMark: BUFFERED_EVENTS });
}

/** One event. JSON has no line breaks, so the data is one line. */
function sseEvent(session: RelaySession, message: GatewayMessage): string {
  const id = message.type === "webhook"
    ? `id: ${formatResumePoint({ connectionId: session.id, sequence: message.sequence })}\n`
    : "";
  return `event: ${message.type}\n${id}data: ${JSON.stringify(message)}\n\n`;
}
