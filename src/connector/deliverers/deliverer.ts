/**
 * The contract of what takes the connector's events: HTTP targets, or output modules.
 *
 * @module
 */

import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { DeliveryResult } from "../../modules/module.ts";

/** What a deliverer may tell receivers besides the event itself. */
export interface RelayedDelivery {
  /** The message's id in its channel. */
  readonly messageId: string;
  /** Which delivery by the gateway this is, from 1. */
  readonly delivery: number;
}

/** Where the connector's events go: HTTP targets, or output modules. */
export interface Deliverer extends AsyncDisposable {
  /**
   * Delivers one event, with retries of its own. Never rejects.
   *
   * @param signal aborts when the connector cannot wait any longer
   */
  deliver(event: VerifiedEvent, relayed: RelayedDelivery, signal: AbortSignal): Promise<DeliveryResult>;
}
