/**
 * Accepts verified events: straight through their outputs, or into the journal, as the webhook says; and each
 * event only once, where the webhook configures how repeated ones are recognised.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { VerifiedEvent } from "../event/verified_event.ts";
import type { Deadlines } from "../time/deadlines.ts";
import { GatewayError } from "../errors.ts";
import type { DeliveryResult } from "../modules/module.ts";
import { deliverDirectly } from "./direct_delivery.ts";
import type { Dispatcher } from "./durable/dispatcher.ts";
import type { AppendListener, IdempotencyKey, Journal } from "../journal/journal.ts";
import type { DeliveryRoute } from "./route.ts";

/** The result of accepting an event: delivered, accepted before, or refused. */
export type AcceptResult = "delivered" | { readonly duplicateOf: string } | GatewayError;

/** The ways of acceptance that an {@linkcode Acceptor} chooses between. */
export interface AcceptorOptions {
  readonly dispatcher: Dispatcher;
  readonly journal: Journal;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
}

/** The result of the first event with a key. */
interface First {
  readonly id: string;
  readonly result: DeliveryResult;
}

/** Accepts events. */
export class Acceptor {
  readonly #options: AcceptorOptions;
  /** The first events that are under way, by webhook and key. */
  readonly #first = new Map<string, Promise<First>>();

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  /**
   * Accepts one event. Answers without a promise where an output did. May reject with a `GatewayError`.
   *
   * @param route held by the caller until this has ended
   * @param listener gets the result of an event on its way into the journal
   * @returns `"appending"` when it is the listener that gets the result
   */
  accept(
    route: DeliveryRoute,
    event: VerifiedEvent,
    listener: AppendListener,
  ): AcceptResult | "appending" | Promise<AcceptResult> {
    const { idempotency } = route;
    const key = idempotency?.keyOf(event);
    const repeatable = key === undefined ? undefined : { key, ttlMs: idempotency!.ttlMs };
    if (route.acceptance === "durable") {
      this.#options.dispatcher.accept(event, route, repeatable, listener);
      return "appending";
    }
    if (repeatable !== undefined) return this.#deliverOnce(route, event, repeatable);
    return this.#deliver(route, event);
  }

  #deliver(route: DeliveryRoute, event: VerifiedEvent): DeliveryResult | Promise<DeliveryResult> {
    const { gate } = route;
    if (gate === undefined) return deliverDirectly(route, event, this.#options.deadlines);
    return this.#deliverWithin(gate, route, event);
  }

  async #deliverWithin(
    gate: NonNullable<DeliveryRoute["gate"]>,
    route: DeliveryRoute,
    event: VerifiedEvent,
  ): Promise<DeliveryResult> {
    const place = gate.take();
    if (place === "full") {
      const message = "Too many requests to this webhook wait to be delivered";
      throw new GatewayError("overloaded", message, { retryAfterSeconds: 1 });
    }
    await place;
    try {
      return await deliverDirectly(route, event, this.#options.deadlines);
    } finally {
      gate.free();
    }
  }

  /** A repeated event waits for the first one, and shares its result. */
  async #deliverOnce(route: DeliveryRoute, event: VerifiedEvent, key: IdempotencyKey): Promise<AcceptResult> {
    const name = JSON.stringify([event.namespace, event.webhook, key.key]);
    let first = this.#first.get(name);
    if (first === undefined) {
      first = this.#deliverFirst(route, event, key).finally(() => this.#first.delete(name));
      this.#first.set(name, first);
    }
    const { id, result } = await first;
    return result === "delivered" && id !== event.id ? { duplicateOf: id } : result;
  }

  async #deliverFirst(route: DeliveryRoute, event: VerifiedEvent, key: IdempotencyKey): Promise<First> {
    const lane = { namespace: event.namespace, webhook: event.webhook };
    const { journal, logger } = this.#options;
    const former = await journal.findRepeated(lane, key.key);
    if (former !== undefined) return { id: former, result: "delivered" };
    const result = await this.#deliver(route, event);
    if (result !== "delivered") return { id: event.id, result };
    try {
      await journal.remember(lane, key, event.id);
    } catch (error) {
      // It has been delivered: an error now would have the sender deliver it again for certain.
      logger.warning("An event was delivered but cannot be remembered: a repeat would be delivered too", {
        ...lane,
        eventId: event.id,
        error,
      });
    }
    return { id: event.id, result };
  }
}
