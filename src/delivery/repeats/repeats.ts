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
import type { Journal, KeyClaims, RememberedEvent } from "../../journal/journal.ts";
import type { DeliveryRoute, DirectResult } from "../route.ts";
import type { RememberedKeys } from "./remembered_keys.ts";

/** The result of accepting an event: delivered, wanted by no output, accepted before, or refused. */
export type AcceptResult = DirectResult | Repeated | GatewayError;

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
  deliver(): DirectResult | Promise<DirectResult>;
}

/** The first event with a key. */
interface First {
  readonly id: string;
  readonly result: Promise<AcceptResult>;
}

/** Tells repeated events from new ones. */
export class Repeats {
  readonly #options: RepeatsOptions;
  /** The first events that are under way, by webhook and by the names of their keys. */
  readonly #underWay = new Map<string, Map<string, First>>();

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
      if (result === "filtered") return result;
      if (!(result instanceof GatewayError)) return { ...result, repeat };
      failure = result;
    }
    return failure!;
  }

  #deliverFirst(once: RepeatableEvent): AcceptResult | Promise<AcceptResult> {
    const { claims } = this.#options.journal;
    if (claims !== undefined) return this.#deliverClaimed(once, claims);
    const found = this.#find(once);
    if (found instanceof Promise) return this.#register(once, this.#deliverUnless(found, once));
    if (found !== undefined) return found;
    const result = once.deliver();
    if (result instanceof Promise || once.own !== undefined) return this.#register(once, result);
    if (result === "delivered") this.#remember(once);
    return result;
  }

  /** Where other gateways may have the same event. What is known here needs no claim. */
  #deliverClaimed(once: RepeatableEvent, claims: KeyClaims): AcceptResult | Promise<AcceptResult> {
    const { route, event: { namespace, webhook, id: eventId }, signed, own } = once;
    const found = signed && this.#findSigned(route, signed);
    if (found !== undefined) return found;
    const keys = [signed, own].filter((key) => key !== undefined);
    return this.#register(once, deliverClaimed(once, claims, { namespace, webhook, eventId, keys }));
  }

  async #deliverUnless(
    finding: Promise<Repeated | undefined>,
    once: RepeatableEvent,
  ): Promise<DirectResult | Repeated> {
    return await finding ?? await once.deliver();
  }

  /** Other events with the same keys wait for this one. */
  #register(
    once: RepeatableEvent,
    delivering: DirectResult | Promise<DirectResult | Repeated>,
  ): Promise<AcceptResult> {
    const { path } = once.route;
    const names = namesOf(once);
    // Nothing is awaited here: promises are a good part of what the memory of repeats costs.
    const result = this.#conclude(once, names, delivering);
    const first = { id: once.event.id, result };
    let ofWebhook = this.#underWay.get(path);
    if (ofWebhook === undefined) this.#underWay.set(path, ofWebhook = new Map());
    for (const name of names) ofWebhook.set(name, first);
    return result;
  }

  async #conclude(
    once: RepeatableEvent,
    names: readonly string[],
    delivering: DirectResult | Promise<DirectResult | Repeated>,
  ): Promise<AcceptResult> {
    try {
      const result = await delivering;
      if (result !== "delivered") return result;
      this.#remember(once);
      if (once.own !== undefined && this.#options.journal.claims === undefined) {
        await this.#rememberOwn(once.event, once.own);
      }
      return result;
    } catch (error) {
      if (error instanceof GatewayError) return error;
      throw error;
    } finally {
      this.#forget(once.route, names);
    }
  }

  #forget({ path }: DeliveryRoute, names: readonly string[]): void {
    const ofWebhook = this.#underWay.get(path);
    for (const name of names) ofWebhook?.delete(name);
    if (ofWebhook?.size === 0) this.#underWay.delete(path);
  }

  #firstOf(
    { route, signed, own }: RepeatableEvent,
  ): (Pick<Repeated, "repeat"> & { first: First }) | undefined {
    const ofWebhook = this.#underWay.get(route.path);
    if (ofWebhook === undefined) return undefined;
    return firstWith(ofWebhook, signed) ?? firstWith(ofWebhook, own);
  }

  #find(
    { route, event, signed, own }: RepeatableEvent,
  ): Repeated | undefined | Promise<Repeated | undefined> {
    const { remembered } = this.#options;
    const recalling = signed && remembered.recall(route, event);
    if (recalling !== undefined || own !== undefined) {
      return this.#findLater(route, event, signed, own, recalling);
    }
    return signed && this.#findSigned(route, signed);
  }

  async #findLater(
    route: DeliveryRoute,
    event: VerifiedEvent,
    signed: RepeatKey | undefined,
    own: RepeatKey | undefined,
    recalling: Promise<void> | undefined,
  ): Promise<Repeated | undefined> {
    await recalling;
    const found = signed && this.#findSigned(route, signed);
    if (found !== undefined || own === undefined) return found;
    const duplicateOf = await this.#options.journal.findRepeated(event, own);
    return duplicateOf === undefined ? undefined : { duplicateOf, repeat: own.repeat };
  }

  #findSigned(route: DeliveryRoute, signed: RepeatKey): Repeated | undefined {
    const duplicateOf = this.#options.remembered.find(route, signed);
    return duplicateOf === undefined ? undefined : { duplicateOf, repeat: signed.repeat };
  }

  #remember({ route, event, signed }: RepeatableEvent): void {
    if (signed !== undefined) this.#options.remembered.add(route, event, signed);
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

async function deliverClaimed(
  once: RepeatableEvent,
  claims: KeyClaims,
  claimed: RememberedEvent,
): Promise<DirectResult | Repeated> {
  const repeated = await claims.claim(claimed);
  if (repeated !== undefined) return repeated;
  let result: DirectResult | undefined;
  try {
    return result = await once.deliver();
  } finally {
    if (result === "delivered") claims.delivered(claimed);
    else claims.failed(claimed);
  }
}

function namesOf({ signed, own }: RepeatableEvent): readonly string[] {
  const names: string[] = [];
  if (signed !== undefined) names.push(nameOf(signed));
  if (own !== undefined) names.push(nameOf(own));
  return names;
}

/** What was signed has a key that begins with a word of its own already. */
function nameOf({ repeat, key }: RepeatKey): string {
  return repeat === "replayed" ? key : `own ${key}`;
}

function firstWith(
  ofWebhook: ReadonlyMap<string, First>,
  key: RepeatKey | undefined,
): (Pick<Repeated, "repeat"> & { first: First }) | undefined {
  const first = key && ofWebhook.get(nameOf(key));
  return first && { first, repeat: key!.repeat };
}
