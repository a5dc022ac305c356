/**
 * Remembers blocks whose insert is in doubt, so that they can be sent again as they were.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import type { Block } from "./block.ts";
import type { DeliveryResult } from "../module.ts";

/** What a memory may hold. */
export interface MemoryLimits {
  /** How long a block or a verdict is remembered, in milliseconds. */
  readonly ageMs: number;
  /** Bytes of all blocks together. */
  readonly bytes: number;
  /** Verdicts. */
  readonly verdicts: number;
}

interface Verdict {
  readonly result: DeliveryResult;
  readonly forgetAt: number;
}

/**
 * What is known of events whose attempt has ended without a reported result: blocks that may be in
 * the table, to be sent again in the same composition when one of their events comes again; and verdicts
 * on events whose attempt was given up before the server answered.
 *
 * Bounded in age and size; the oldest is forgotten first. An event that was forgotten is inserted again.
 */
export class RetryMemory {
  readonly #limits: MemoryLimits;
  readonly #now: () => number;
  /** In order of age, with the time of forgetting. */
  readonly #blocks = new Map<Block, number>();
  readonly #verdicts = new Map<string, Verdict>();
  #bytes = 0;

  /** @param now a clock in milliseconds that never goes back */
  constructor(limits: MemoryLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#blocks.size === 0 && this.#verdicts.size === 0;
  }

  /** Remembers a block that may be in the table. */
  keepBlock(block: Block): void {
    this.#blocks.set(block, this.#now() + this.#limits.ageMs);
    this.#bytes += block.size;
  }

  has(block: Block): boolean {
    return this.#blocks.has(block);
  }

  /** Takes a block out, as it is sent now. */
  takeBlock(block: Block): void {
    if (!this.#blocks.delete(block)) return;
    this.#bytes = assertCount(this.#bytes - block.size, "bytes of remembered blocks");
  }

  /** Remembers the result of an event whose attempt was given up. */
  keepVerdict(id: string, result: DeliveryResult): void {
    this.#verdicts.delete(id); // A Map keeps the order of insertion: the oldest stands first.
    this.#verdicts.set(id, { result, forgetAt: this.#now() + this.#limits.ageMs });
  }

  /** The remembered result of an event. It is given out once. */
  takeVerdict(id: string): DeliveryResult | undefined {
    const verdict = this.#verdicts.get(id);
    this.#verdicts.delete(id);
    return verdict?.result;
  }

  /** Forgets what is too old or too much, and returns the blocks of that. */
  forgetOld(): readonly Block[] {
    const now = this.#now();
    const forgotten: Block[] = [];
    for (const [block, forgetAt] of this.#blocks) {
      if (forgetAt > now && this.#bytes <= this.#limits.bytes) break;
      this.takeBlock(block);
      forgotten.push(block);
    }
    for (const [id, { forgetAt }] of this.#verdicts) {
      if (forgetAt > now && this.#verdicts.size <= this.#limits.verdicts) break;
      this.#verdicts.delete(id);
    }
    return forgotten;
  }
}
