/**
 * The type of verified events, and the ways to get such an event other than by verifying a request.
 *
 * @module
 */

import { headersOfOtherBody } from "./copied_headers.ts";
import type { TraceCarrier } from "../observability/tracing.ts";
import type { Event, EventBody } from "./event.ts";
import type { AnswerSlot } from "./output_answer.ts";

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
  return new ReshapedEvent(event, body, contentType) as Event as VerifiedEvent;
}

/** A class, since an object with a getter of its own takes several times as long to make. */
class ReshapedEvent implements Event {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly type: string | undefined;
  readonly receivedAt: number;
  readonly query: string | undefined;
  readonly isUnfiltered: true | undefined;
  readonly trace: TraceCarrier | undefined;
  readonly answer?: AnswerSlot;
  readonly #sent: Event;
  readonly #contentType: string | undefined;
  #headers: Headers | undefined;

  constructor(sent: Event, readonly body: EventBody, contentType: string | undefined) {
    this.id = sent.id;
    this.namespace = sent.namespace;
    this.webhook = sent.webhook;
    this.type = sent.type;
    this.receivedAt = sent.receivedAt;
    this.query = sent.query;
    this.isUnfiltered = sent.isUnfiltered;
    this.trace = sent.trace;
    if (sent.answer !== undefined) this.answer = sent.answer;
    this.#sent = sent;
    this.#contentType = contentType;
  }

  get headers(): Headers {
    if (this.#headers !== undefined) return this.#headers;
    this.#headers = headersOfOtherBody(this.#sent.headers);
    if (this.#contentType !== undefined) this.#headers.set("content-type", this.#contentType);
    return this.#headers;
  }
}

/** A verified event that is delivered only once the filter of its webhook lets it pass. */
export function unfiltered(event: VerifiedEvent): VerifiedEvent {
  return { ...event, headers: event.headers, isUnfiltered: true };
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
