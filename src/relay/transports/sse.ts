/**
 * Serves a session as Server-Sent Events. The connector answers over `/connect/ack`.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @module
 */

import type { ConnectedMessage, GatewayMessage } from "../protocol/messages.ts";
import { encodeBatches } from "../protocol/batches.ts";
import { formatResumePoint } from "../protocol/negotiate.ts";
import type { RelaySession } from "../session.ts";
import { beginHeartbeats, closingMessages } from "./transport.ts";

/** Messages that are taken from the queue at once. */
const BATCH = 256;

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
  const push = (
    controller: ReadableStreamDefaultController,
    type: string,
    data: string,
    sequence?: number,
  ) => {
    if (closed.signal.aborted) return;
    controller.enqueue(encoder.encode(sseEvent(session, type, data, sequence)));
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (message: GatewayMessage) => push(controller, message.type, JSON.stringify(message));
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
        const messages = await session.take(BATCH, closed.signal);
        if (connected.protocol === 1) {
          for (const message of messages) {
            push(controller, message.type, JSON.stringify(message), message.sequence);
          }
        } else {
          for (const { text, sequence } of encodeBatches(messages)) {
            push(controller, "webhooks", text, sequence);
          }
        }
      } catch (error) {
        session.fail(error);
      }
    },
    cancel: detach,
  }, { highWaterMark: BUFFERED_EVENTS });
}

/** One event. JSON has no line breaks, so the data is one line. @param sequence of the last message in it */
function sseEvent(session: RelaySession, type: string, data: string, sequence: number | undefined): string {
  const id = sequence === undefined
    ? ""
    : `id: ${formatResumePoint({ connectionId: session.id, sequence })}\n`;
  return `event: ${type}\n${id}data: ${data}\n\n`;
}
