/**
 * Messages: the frames that are sent for an event, and the result of each.
 *
 * @module
 */

import type { DeliveryResult } from "../module.ts";
import type { Event } from "../../event/event.ts";
import type { ZeromqConfig } from "./config.ts";
import type { FrameBody } from "./zmtp/frames.ts";

/** A message on its way. */
export interface Ticket {
  readonly frames: readonly FrameBody[];
  /** `undefined` until it is known. */
  result: DeliveryResult | undefined;
  /** Called with the result as soon as that is known. */
  report?(result: DeliveryResult): void;
}

/** The frames of an event: what subscribers choose by, the event's id, and its body. */
export function framesOf(event: Event, { isSingleFrame }: ZeromqConfig): FrameBody[] {
  const { bytes } = event.body;
  return isSingleFrame ? [bytes] : [event.webhook, event.id, bytes];
}

/** Gives a message its result. */
export function settle(ticket: Ticket, result: DeliveryResult): void {
  ticket.result = result;
  ticket.report?.(result);
}
