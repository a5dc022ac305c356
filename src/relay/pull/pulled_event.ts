/**
 * An event as a pulling consumer gets it.
 *
 * @module
 */

import type { LeasedEvent } from "../../channels/channel_queues.ts";
import { receivedAtText } from "../../event/event_headers.ts";
import { forEachForwardable } from "../../event/header_policy.ts";
import { encodeBody } from "../protocol/codec.ts";

/** One event of an answer to `receive`, with the lease that it is held by. */
export interface PulledEvent {
  /** Names the lease in `ack`, `release`, `extend` and `reject`. */
  readonly handle: string;
  /** Until when nobody else gets the event, as ISO 8601 in UTC. */
  readonly deadline: string;
  /** How often it was handed out, from 1. */
  readonly attempt: number;
  readonly event_id: string;
  readonly namespace: string;
  readonly webhook: string;
  /** The provider's name for the event, where it is known. */
  readonly event_type: string | undefined;
  readonly received_at: string;
  readonly content_type: string | undefined;
  /** Those received, but for credentials and what concerned one connection only; names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body where it is UTF-8 and has at most 1 MiB, otherwise `body_base64`. */
  readonly body?: string;
  readonly body_base64?: string;
}

/** @param deadline in milliseconds since 1970 */
export function pulledEvent({ event, delivery }: LeasedEvent, handle: string, deadline: number): PulledEvent {
  const headers: Record<string, string> = {};
  forEachForwardable(event.headers, (name, value) => headers[name] = value);
  return {
    handle,
    deadline: new Date(deadline).toISOString(),
    attempt: delivery,
    event_id: event.id,
    namespace: event.namespace,
    webhook: event.webhook,
    event_type: event.type,
    received_at: receivedAtText(event),
    content_type: event.headers.get("content-type") ?? undefined,
    headers,
    ...encodeBody(event.body.stored),
  };
}
