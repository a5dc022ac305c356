/**
 * The ids by which brokers recognise batches that they have already. Partitions share an id until one of them
 * must not use it any more.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { DeliveryError } from "../../../errors.ts";
import { asDeliveryError } from "../errors.ts";
import type { Control } from "../protocol/control.ts";
import { initProducerId, writeInitProducerId } from "../protocol/requests.ts";

/** Codes of brokers that cannot make an id yet, but soon. */
const NOT_YET: ReadonlySet<number> = new Set([14, 15, 16]);

/** How often a broker is asked that cannot make an id yet, and how long it is left alone between. */
const TRIES = 40;
const PAUSE_MS = 50;

/** After a failure, how long batches go without an id before one is asked for again, in milliseconds. */
const WITHOUT_MS = 5_000;

/** A producer as brokers know it. */
export interface ProducerId {
  /** -1: brokers do not recognise its batches. */
  readonly id: bigint;
  readonly epoch: number;
  /** Counts the ids; 0 for none. */
  readonly generation: number;
}

/** Stands for no id: such a batch may be stored twice when it has to be tried again. */
export const NO_PRODUCER: ProducerId = { id: -1n, epoch: -1, generation: 0 };

/** Asks for ids as they are needed. */
export class ProducerIds {
  readonly #control: Control;
  readonly #onFailure: (error: DeliveryError) => void;
  #current: ProducerId = NO_PRODUCER;
  #asking: Promise<ProducerId> | undefined;
  #withoutUntil = -Infinity;

  /** @param onFailure called when no id can be had, and events may be stored twice therefore */
  constructor(control: Control, onFailure: (error: DeliveryError) => void) {
    this.#control = control;
    this.#onFailure = onFailure;
  }

  /**
   * An id that is newer than the given generation, or {@linkcode NO_PRODUCER} when none can be had: an event that
   * arrives twice is better than one that does not arrive.
   */
  async newerThan(generation: number): Promise<ProducerId> {
    // Who asked meanwhile may have begun before this generation was given up.
    while (this.#current.generation <= generation) {
      if (performance.now() < this.#withoutUntil) return NO_PRODUCER;
      this.#asking ??= this.#ask().finally(() => this.#asking = undefined);
      const asked = await this.#asking;
      if (asked === NO_PRODUCER) return asked;
    }
    return this.#current;
  }

  async #ask(): Promise<ProducerId> {
    try {
      const { id, epoch } = await this.#next();
      return this.#current = { id, epoch, generation: this.#current.generation + 1 };
    } catch (error) {
      this.#withoutUntil = performance.now() + WITHOUT_MS;
      this.#onFailure(asDeliveryError(error));
      return NO_PRODUCER;
    }
  }

  async #next(): Promise<Omit<ProducerId, "generation">> {
    for (let tries = 1;; tries++) {
      const answer = await this.#control.ask(initProducerId, () => ({ head: writeInitProducerId() }));
      if (answer.error === 0) return { id: answer.producerId, epoch: answer.epoch };
      if (!NOT_YET.has(answer.error) || tries === TRIES) {
        throw new DeliveryError("output_failed", `Kafka gave no producer id (${answer.error})`);
      }
      await sleep(PAUSE_MS);
    }
  }
}
