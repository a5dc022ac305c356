/**
 * The type of verified events, and the ways to get such an event other than by verifying a request.
 *
 * @module
 */

import { headersOfOtherBody } from "./copied_headers.ts";
import type { Event, EventBody } from "./event.ts";

declare const verified: unique symbol;

/**
 * An event whose request passed every verifier of its webhook. The authenticator makes one from a request, and
 * {@linkcode restoreVerifiedEvent} one from what was stored; {@linkcode ownEvent} is for the gateway's own. Outputs
 * accept nothing else, so an unverified event cannot reach them: it does not type-check.
 */
export type VerifiedEvent = Event & { readonly [verified]: true };

/**
 * A verified event with another body. Its headers are made when they are first asked for: many outputs read none.
 *
 * @param contentType of the other body; left out, the one of the first is true of it
 */
export function withBody(event: VerifiedEvent, body: EventBody, contentType?: string): VerifiedEvent {
  let headers: Headers | undefined;
  return {
    ...event,
    body,
    get headers() {
      if (headers !== undefined) return headers;
      headers = headersOfOtherBody(event.headers);
      if (contentType !== undefined) headers.set("content-type", contentType);
      return headers;
    },
  };
}

/** A verified event that is delivered only once the filter of its webhook lets it pass. */
export function unfiltered(event: VerifiedEvent): VerifiedEvent {
  return { ...event, isUnfiltered: true };
}

/** Marks an event that the gateway has made itself, out of nothing that a sender has sent. */
export function ownEvent(event: Event): VerifiedEvent {
  return event as VerifiedEvent;
}

/**
 * Marks an event that was verified before it was stored. To be called with events out of the gateway's own
 * store, where nothing else is written, and with those that a connector gets from its gateway's store.
 */
export function restoreVerifiedEvent(event: Event): VerifiedEvent {
  return event as VerifiedEvent;
}
