/**
 * Delivers each event once that says what a repeat of it is recognised by, while its sender waits. What failed is not
 * remembered: the sender's next try is delivered.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { GatewayError } from "../../errors.ts";
import type { Repeated, RepeatKey } from "../../event/repeat_key.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { Journal } from "../../journal/journal.ts";
import type { DeliveryResult } from "../../modules/module.ts";
import type { DeliveryRoute } from "../route.ts";
import type { RememberedKeys } from "./remembered_keys.ts";

/** The result of accepting an event: delivered, accepted before, or refused. */
export type AcceptResult = "delivered" | Repeated | GatewayError;

/** What {@linkcode Repeats} looks repeats up in. */
export interface RepeatsOptions {
  readonly journal: Journal;
  readonly remembered: RememberedKeys;
  readonly logger: Logger;
}

/** One event with all that it is recognised by. */
export interface RepeatableEvent {
  readonly route: DeliveryRoute;
  readonly event: VerifiedEvent;
  /** What was signed. */
  readonly signed: RepeatKey | undefined;
  /** What the webhook's `idempotency` has found. */
  readonly own: RepeatKey | undefined;
  /** May reject with a `GatewayError`. */
  deliver(): DeliveryResult | Promise<DeliveryResult>;
}

/** The first event with a key. */
interface First {
  readonly id: string;
  readonly result: Promise<AcceptResult>;
}

/** Tells repeated events from new ones. */
export class Repeats {
  readonly #options: RepeatsOptions;
  /** The first events that are under way, by webhook and key. */
  readonly #underWay = new Map<string, First>();

  constructor(options: RepeatsOptions) {
    this.#options = options;
  }

  /** Delivers an event unless it was accepted before. One that is under way is waited for. */
  deliverOnce(once: RepeatableEvent): AcceptResult | Promise<AcceptResult> {
    return this.#firstOf(once) === undefined ? this.#deliverFirst(once) : this.#deliverAfter(once);
  }

  /** Waits for the one that is under way. When it fails, one other try is made, here or by one that came before. */
  async #deliverAfter(once: RepeatableEvent): Promise<AcceptResult> {
    let failure: GatewayError | undefined;
    for (let tries = 0; tries < 2; tries++) {
      const found = this.#firstOf(once);
      if (found === undefined) return await this.#deliverFirst(once);
      const { first, repeat } = found;
      const result = await first.result;
      if (result === "delivered") return { duplicateOf: first.id, repeat };
      if (!(result instanceof GatewayError)) return { ...result, repeat };
      failure = result;
    }
    return failure!;
  }

  #deliverFirst(once: RepeatableEvent): AcceptResult | Promise<AcceptResult> {
    const found = this.#find(once);
    if (found instanceof Promise) return this.#register(once, this.#deliverLater(once, found));
    if (found !== undefined) return found;
    const result = once.deliver();
    if (result instanceof Promise || once.own !== undefined) {
      return this.#register(once, this.#noteLater(once, result));
    }
    if (result === "delivered") this.#remember(once);
    return result;
  }

  async #deliverLater(
    once: RepeatableEvent,
    finding: Promise<Repeated | undefined>,
  ): Promise<AcceptResult> {
    return await finding ?? await this.#noteLater(once, once.deliver());
  }

  async #noteLater(
    once: RepeatableEvent,
    delivering: DeliveryResult | Promise<DeliveryResult>,
  ): Promise<AcceptResult> {
    const result = await delivering;
    if (result !== "delivered") return result;
    this.#remember(once);
    if (once.own !== undefined) await this.#rememberOwn(once.event, once.own);
    return result;
  }

  /** Other events with the same keys wait for this one. */
  async #register(once: RepeatableEvent, delivering: Promise<AcceptResult>): Promise<AcceptResult> {
    const names = namesOf(once);
    const result = delivering.catch((error) => {
      if (error instanceof GatewayError) return error;
      throw error;
    });
    const first = { id: once.event.id, result };
    for (const name of names) this.#underWay.set(name, first);
    try {
      return await result;
    } finally {
      for (const name of names) this.#underWay.delete(name);
    }
  }

  #firstOf(
    { event, signed, own }: RepeatableEvent,
  ): (Pick<Repeated, "repeat"> & { first: First }) | undefined {
    if (this.#underWay.size === 0) return undefined;
    for (const key of [signed, own]) {
      const first = key && this.#underWay.get(nameOf(event, key));
      if (first !== undefined) return { first, repeat: key!.repeat };
    }
    return undefined;
  }

  #find(
    { route, event, signed, own }: RepeatableEvent,
  ): Repeated | undefined | Promise<Repeated | undefined> {
    const { remembered } = this.#options;
    const recalling = signed && remembered.recall(route, event);
    if (recalling !== undefined || own !== undefined) return this.#findLater(event, signed, own, recalling);
    return signed && this.#findSigned(event, signed);
  }

  async #findLater(
    event: VerifiedEvent,
    signed: RepeatKey | undefined,
    own: RepeatKey | undefined,
    recalling: Promise<void> | undefined,
  ): Promise<Repeated | undefined> {
    await recalling;
    const found = signed && this.#findSigned(event, signed);
    if (found !== undefined || own === undefined) return found;
    const duplicateOf = await this.#options.journal.findRepeated(event, own);
    return duplicateOf === undefined ? undefined : { duplicateOf, repeat: own.repeat };
  }

  #findSigned(event: VerifiedEvent, signed: RepeatKey): Repeated | undefined {
    const duplicateOf = this.#options.remembered.find(event, signed);
    return duplicateOf === undefined ? undefined : { duplicateOf, repeat: signed.repeat };
  }

  #remember({ event, signed }: RepeatableEvent): void {
    if (signed !== undefined) this.#options.remembered.add(event, signed, event.id);
  }

  async #rememberOwn({ namespace, webhook, id }: VerifiedEvent, own: RepeatKey): Promise<void> {
    const { journal, logger } = this.#options;
    try {
      await journal.remember([{ namespace, webhook, eventId: id, keys: [own] }]);
    } catch (error) {
      // It has been delivered: an error now would have the sender deliver it again for certain.
      logger.warning("An event was delivered but cannot be remembered: a repeat would be delivered too", {
        namespace,
        webhook,
        eventId: id,
        error,
      });
    }
  }
}

function namesOf({ event, signed, own }: RepeatableEvent): readonly string[] {
  return [signed, own].filter((key) => key !== undefined).map((key) => nameOf(event, key));
}

function nameOf({ namespace, webhook }: VerifiedEvent, { repeat, key }: RepeatKey): string {
  return `${namespace}/${webhook} ${repeat} ${key}`;
}
