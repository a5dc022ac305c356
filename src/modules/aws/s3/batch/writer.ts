/**
 * Writes events into objects that they share, and sees to it that an object whose storing was not confirmed is sent
 * again as it was.
 *
 * @module
 */

import { DeliveryError } from "../../../../errors.ts";
import { Semaphore } from "../../../../time/semaphore.ts";
import { halves } from "../../../halves.ts";
import type { Delivery, DeliveryResult } from "../../../module.ts";
import type { S3Config } from "../config.ts";
import type { StoredObject } from "../object.ts";
import type { ObjectStore, Storing } from "../store.ts";
import { type Member, nameOfMember, objectOfMembers } from "./batch.ts";
import { type DoubtfulBatch, Doubts } from "./doubts.ts";
import { lineOf } from "./lines.ts";

/** Objects that are made and sent at once: each is in memory beside the events that are in it. */
const AT_ONCE = 4;
const WAITING = 1_000;

const DOUBTS = { ageMs: 60 * 60 * 1000, bytes: 32 * 1024 * 1024, events: 100_000 };

/** Writes the batches of one output. */
export class BatchWriter {
  readonly #store: ObjectStore;
  readonly #places = new Semaphore(AT_ONCE, WAITING);
  readonly #doubts = new Doubts(DOUBTS);
  /** Batches in doubt that are being sent again. */
  readonly #underWay = new Map<DoubtfulBatch, Promise<DeliveryResult>>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Writes events: batches in doubt that have some of them as they were, and the others as new ones. */
  async write(
    deliveries: readonly Delivery<S3Config>[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryResult[]> {
    this.#doubts.forgetOld();
    const results = new Map<string, DeliveryResult>();
    const repeated = new Map<DoubtfulBatch, string[]>();
    const members = new Map<string, Member>();
    for (const delivery of deliveries) {
      const name = nameOfMember(delivery);
      const doubtful = this.#doubts.find(name);
      if (doubtful !== undefined) addTo(repeated, doubtful, name);
      else {
        const member = memberOf(delivery, name);
        if (member instanceof DeliveryError) results.set(name, member);
        else members.set(name, member);
      }
    }
    const groups = Map.groupBy(members.values(), ({ common }) => common);
    await Promise.all([
      ...Array.from(repeated, ([batch, names]) => this.#repeat(batch, names, results, signal)),
      ...Array.from(groups.values(), (group) => this.#begin(group, results, signal)),
    ]);
    return deliveries.map((delivery) => results.get(nameOfMember(delivery))!);
  }

  /** A new batch. One that is refused for good is tried in halves, until what is to blame stands alone. */
  async #begin(
    members: readonly Member[],
    results: Map<string, DeliveryResult>,
    signal: AbortSignal,
  ): Promise<void> {
    const { result, mayBeStored, object } = await this.#storeMembers(members, signal);
    if (members.length > 1 && isRejected(result)) {
      for (const half of halves(members)) await this.#begin(half, results, signal);
      return;
    }
    const names = members.map(({ name }) => name);
    for (const name of names) results.set(name, result);
    if (result !== "delivered" && mayBeStored) this.#doubts.keep({ names, object });
  }

  async #storeMembers(
    members: readonly Member[],
    signal: AbortSignal,
  ): Promise<Storing & { readonly object?: StoredObject }> {
    return await this.#inTurn(async () => {
      try {
        const object = await objectOfMembers(members);
        return { ...await this.#store.put(object, signal), object };
      } catch (error) {
        if (error instanceof DeliveryError) return { result: error, mayBeStored: false };
        throw error;
      }
    });
  }

  /** A batch of which some events have come again, and perhaps not all. */
  async #repeat(
    batch: DoubtfulBatch,
    names: readonly string[],
    results: Map<string, DeliveryResult>,
    signal: AbortSignal,
  ): Promise<void> {
    const result = await this.#sendAgain(batch, signal);
    for (const name of names) {
      results.set(name, result);
      if (result === "delivered") this.#doubts.settle(name);
    }
  }

  async #sendAgain(batch: DoubtfulBatch, signal: AbortSignal): Promise<DeliveryResult> {
    const { object } = batch;
    if (object === undefined) return "delivered";
    let sending = this.#underWay.get(batch);
    if (sending === undefined) {
      sending = this.#resolve(batch, object, signal).finally(() => this.#underWay.delete(batch));
      this.#underWay.set(batch, sending);
    }
    return await sending;
  }

  async #resolve(batch: DoubtfulBatch, object: StoredObject, signal: AbortSignal): Promise<DeliveryResult> {
    const { result } = await this.#inTurn(() => this.#store.put(object, signal));
    if (result === "delivered") {
      this.#doubts.forget(batch);
      this.#doubts.keep({ names: batch.names, object: undefined });
      return result;
    }
    if (!isRejected(result)) return result;
    // It was not stored then either: its events go into objects of their own.
    this.#doubts.forget(batch);
    return new DeliveryError("output_failed", result.message, { cause: result });
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const place = this.#places.take();
    if (place === "full") throw new DeliveryError("overloaded", "Too many objects wait to be stored");
    if (place !== "taken") await place;
    try {
      return await work();
    } finally {
      this.#places.free();
    }
  }
}

function isRejected(result: DeliveryResult): result is DeliveryError {
  return result !== "delivered" && result.disposition === "dead_letter";
}

function memberOf(delivery: Delivery<S3Config>, name: string): Member | DeliveryError {
  try {
    return { delivery, name, line: lineOf(delivery), common: delivery.config.key.of(delivery.event) };
  } catch (error) {
    if (error instanceof DeliveryError) return error;
    throw error;
  }
}

function addTo(groups: Map<DoubtfulBatch, string[]>, batch: DoubtfulBatch, name: string): void {
  const names = groups.get(batch);
  if (names === undefined) groups.set(batch, [name]);
  else names.push(name);
}
