/**
 * An event on its way into the journal.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { Appended, AppendedEvent, AppendListener } from "../../journal/journal.ts";

/** The lane that an event arrives in. */
export interface ArrivalOwner {
  /** @param appended `undefined` when the event was refused, or is a repeated one */
  arrived(arrival: Arrival, appended: AppendedEvent | undefined): void;
}

/** Waits for the commit of one event. Its result is reported to the lane first, then to the sender. */
export class Arrival implements AppendListener {
  constructor(
    readonly owner: ArrivalOwner,
    readonly event: VerifiedEvent,
    /** How much memory it counts for. */
    readonly bytes: number,
    readonly isClaimed: boolean,
    readonly sender: AppendListener,
  ) {}

  /** An exception of the lane must not affect the other events of the commit: it becomes this one's answer. */
  onAppended(appended: Appended): void {
    try {
      this.owner.arrived(this, "sequence" in appended ? appended : undefined);
    } catch (cause) {
      return this.sender.onRefused(new GatewayError("internal_error", undefined, { cause }));
    }
    this.sender.onAppended(appended);
  }

  onRefused(error: GatewayError): void {
    this.owner.arrived(this, undefined);
    this.sender.onRefused(error);
  }
}
