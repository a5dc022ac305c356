/**
 * Accepts verified events: straight through their outputs, or into the journal, as the webhook says; and each
 * event only once, where the webhook configures how repeated ones are recognised.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { VerifiedEvent } from "../event/verified_event.ts";
import type { Deadlines } from "../time/deadlines.ts";
import { DeliveryError, GatewayError } from "../errors.ts";
import { deliverDirectly } from "./direct_delivery.ts";
import type { Dispatcher } from "./durable/dispatcher.ts";
import type { Repeated, RepeatKey } from "../event/repeat_key.ts";
import type { AppendListener, Journal } from "../journal/journal.ts";
import { RememberedKeys } from "./repeats/remembered_keys.ts";
import { type AcceptResult, Repeats } from "./repeats/repeats.ts";
import { isTooLate, type Pacer } from "./pacer.ts";
import type { DeliveryRoute, DirectResult } from "./route.ts";
import type { Stops } from "./stops/stops.ts";

/** The ways of acceptance that an {@linkcode Acceptor} chooses between. */
export interface AcceptorOptions {
  readonly dispatcher: Dispatcher;
  readonly journal: Journal;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  /** Which webhooks are stopped. */
  readonly stops: Stops;
  /** How long a sender may wait for its turn where deliveries have a rate, in milliseconds. */
  readonly longestTurnMs: number;
  /** Where accepted events are noted beside their deliveries. @default nowhere */
  readonly eventLog?: NotedEvents | undefined;
}

/** Notes accepted events. */
export interface NotedEvents {
  /** To be called before an event is accepted. @returns notes it, to be called once it is */
  begin(event: VerifiedEvent): () => void;
}

/** Accepts events. */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #remembered: RememberedKeys;
  readonly #repeats: Repeats;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#remembered = new RememberedKeys(options);
    this.#repeats = new Repeats({ ...options, remembered: this.#remembered });
  }

  /**
   * Accepts one event. Answers without a promise where an output did. May reject with a `GatewayError`.
   *
   * @param route held by the caller until this has ended
   * @param listener gets the result of an event on its way into the journal
   * @param signed by what a repeat is recognised, as its sender has signed it
   * @returns `"appending"` when it is the listener that gets the result
   */
  accept(
    route: DeliveryRoute,
    event: VerifiedEvent,
    listener: AppendListener,
    signed?: RepeatKey,
  ): AcceptResult | "appending" | Promise<AcceptResult | "appending"> {
    const { eventLog } = this.#options;
    return eventLog === undefined
      ? this.#acceptEvent(route, event, listener, signed)
      : this.#acceptNoted(eventLog.begin(event), route, event, listener, signed);
  }

  /** @param note to be called once the event is accepted */
  #acceptNoted(
    note: () => void,
    route: DeliveryRoute,
    event: VerifiedEvent,
    listener: AppendListener,
    signed: RepeatKey | undefined,
  ): ReturnType<Acceptor["accept"]> {
    const noting: AppendListener = {
      onAppended: (appended) => {
        if (!("duplicateOf" in appended)) note();
        listener.onAppended(appended);
      },
      onRefused: (error) => listener.onRefused(error),
    };
    const noted = (result: AcceptResult | "appending") => {
      if (result === "delivered") note();
      return result;
    };
    const result = this.#acceptEvent(route, event, noting, signed);
    return result instanceof Promise ? result.then(noted) : noted(result);
  }

  #acceptEvent(
    route: DeliveryRoute,
    event: VerifiedEvent,
    listener: AppendListener,
    signed: RepeatKey | undefined,
  ): ReturnType<Acceptor["accept"]> {
    const own = route.idempotency?.keyOf(event);
    if (route.acceptPayload === undefined) return this.#accept(route, event, listener, signed, own);
    const made = route.acceptPayload.reshape(event);
    return made instanceof Promise
      ? made.then((reshaped) => this.#acceptReshaped(route, event, reshaped, listener, signed, own))
      : this.#acceptReshaped(route, event, made, listener, signed, own);
  }

  #acceptReshaped(
    route: DeliveryRoute,
    sent: VerifiedEvent,
    made: VerifiedEvent | DeliveryError,
    listener: AppendListener,
    signed: RepeatKey | undefined,
    own: RepeatKey | undefined,
  ): ReturnType<Acceptor["accept"]> {
    if (made instanceof DeliveryError) return made;
    if (made !== sent) sent.body.discard();
    return this.#accept(route, made, listener, signed, own);
  }

  #accept(
    route: DeliveryRoute,
    event: VerifiedEvent,
    listener: AppendListener,
    signed: RepeatKey | undefined,
    own: RepeatKey | undefined,
  ): ReturnType<Acceptor["accept"]> {
    const isRepeatable = signed !== undefined || own !== undefined;
    if (route.acceptance === "durable") {
      if (isRepeatable) return this.#appendOnce(route, event, listener, signed, own);
      this.#options.dispatcher.accept(event, route, undefined, listener);
      return "appending";
    }
    if (!isRepeatable) return this.#deliver(route, event);
    const deliver = () => this.#deliver(route, event);
    return this.#repeats.deliverOnce({ route, event, signed, own, deliver });
  }

  /** Writes what waits to be written. To be called when no event is accepted any more. */
  async drain(): Promise<void> {
    await this.#remembered.flush();
  }

  #appendOnce(
    route: DeliveryRoute,
    event: VerifiedEvent,
    listener: AppendListener,
    signed: RepeatKey | undefined,
    own: RepeatKey | undefined,
  ): Repeated | "appending" {
    if (signed !== undefined) {
      // It may have been accepted without the journal: the webhook has changed since.
      const duplicateOf = this.#remembered.find(route, signed);
      if (duplicateOf !== undefined) return { duplicateOf, repeat: signed.repeat };
    }
    const keys = [signed, own].filter((key) => key !== undefined);
    this.#options.dispatcher.accept(event, route, keys, listener);
    return "appending";
  }

  #deliver(route: DeliveryRoute, event: VerifiedEvent): DirectResult | Promise<DirectResult> {
    const { stops } = this.#options;
    return stops.isQuiet ? this.#deliverNow(route, event) : this.#deliverUnlessStopped(route, event);
  }

  async #deliverUnlessStopped(route: DeliveryRoute, event: VerifiedEvent): Promise<DirectResult> {
    const { stops } = this.#options;
    stops.admitSender(route.path);
    let isDelivered = false;
    try {
      const result = await this.#deliverNow(route, event);
      isDelivered = result === "delivered";
      return result;
    } finally {
      stops.senderEnded(route.path, isDelivered);
    }
  }

  #deliverNow(route: DeliveryRoute, event: VerifiedEvent): DirectResult | Promise<DirectResult> {
    const { gate, pacer } = route;
    if (gate !== undefined) return this.#deliverWithin(gate, route, event);
    if (pacer?.isBounded === true) return this.#deliverInTurn(pacer, route, event);
    return deliverDirectly(route, event, this.#options.deadlines);
  }

  /** A place is taken before the turn comes: nothing that has had its turn waits any more. */
  async #deliverWithin(
    gate: NonNullable<DeliveryRoute["gate"]>,
    route: DeliveryRoute,
    event: VerifiedEvent,
  ): Promise<DirectResult> {
    const place = gate.take();
    if (place === "full") {
      const message = "Too many requests to this webhook wait to be delivered";
      throw new GatewayError("overloaded", message, { retryAfterSeconds: 1 });
    }
    await place;
    const { pacer } = route;
    try {
      return pacer?.isBounded === true
        ? await this.#deliverInTurn(pacer, route, event)
        : await deliverDirectly(route, event, this.#options.deadlines);
    } finally {
      gate.free();
    }
  }

  async #deliverInTurn(pacer: Pacer, route: DeliveryRoute, event: VerifiedEvent): Promise<DirectResult> {
    const turn = pacer.enter(this.#options.longestTurnMs, route.queue);
    if (isTooLate(turn)) {
      const message = "More requests to this webhook wait than 'limits.rate' lets begin in time";
      throw new GatewayError("overloaded", message, { retryAfterSeconds: turn.inSeconds });
    }
    if (turn !== "now") await turn;
    return await deliverDirectly(route, event, this.#options.deadlines);
  }
}
