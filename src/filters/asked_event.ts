/**
 * Events that somebody asks about, as people have them.
 *
 * @module
 */

import { type Event, EventBody } from "../event/event.ts";
import type { ExplainedWebhook } from "./explanation.ts";
import { NOTHING_HIDDEN, readableQuery } from "./variables.ts";

/** An event that was not sent. */
export interface AskedEvent {
  readonly namespace: string;
  readonly webhook: string;
  readonly headers: Headers;
  /** Such as `shop=7`. */
  readonly query: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The id of events that were not sent. */
const NO_ID = "event-0";

/** The event as its webhook would accept it. */
export function eventOf({ eventTypes, filters }: ExplainedWebhook, asked: AskedEvent): Event {
  const { namespace, webhook, headers } = asked;
  const body = EventBody.fromBytes(asked.body);
  return {
    id: NO_ID,
    namespace,
    webhook,
    type: eventTypes?.find(headers, body),
    receivedAt: Date.now(),
    headers,
    body,
    query: readableQuery(`?${asked.query}`, filters?.hidden ?? NOTHING_HIDDEN),
  };
}
