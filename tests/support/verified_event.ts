import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { type Event, EventBody, EventIds } from "../../src/event/event.ts";

const ids = new EventIds();

/** What a test may choose about an event; the rest is filled in. */
export interface EventParts extends Partial<Omit<Event, "headers" | "body">> {
  readonly headers?: HeadersInit;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/**
 * An event as it stands after authentication, to hand to an output.
 *
 *     const event = verifiedEvent({ webhook: "orders", body: '{"order":1}' });
 */
export function verifiedEvent({ headers, body, ...parts }: EventParts = {}): VerifiedEvent {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const event: Event = {
    id: ids.next(),
    namespace: "default",
    webhook: "orders",
    receivedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    headers: new Headers(headers ?? { "content-type": "application/json" }),
    body: EventBody.fromBytes(bytes ?? new TextEncoder().encode('{"order":1}')),
    ...parts,
  };
  return event as VerifiedEvent;
}
