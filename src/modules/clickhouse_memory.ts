import type { Block } from "./clickhouse_block.ts";
import type { DeliveryResult } from "./module.ts";

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
 * What is known of events whose attempt has ended without anybody being told how: blocks that may be in
 * the table, to be sent again in the same composition when one of their events comes again; and verdicts
 * on events whose attempt was given up before the server answered.
 *
 * Bounded in age and size; the oldest is forgotten first. An event that was forgotten is inserted anew.
 */
export class RetryMemory {
  readonly #limits: MemoryLimits;
  readonly #now: () => number;
  /** In order of age, with the time of forgetting. */
  readonly #blocks = new Map<Block, number>();
  readonly #blockById = new Map<string, Block>();
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
    for (const id of block.rows.keys()) this.#blockById.set(id, block);
    this.#bytes += block.size;
    this.#forgetOld();
  }

  /** The block that an event belongs to. */
  blockOf(id: string): Block | undefined {
    this.#forgetOld();
    return this.#blockById.get(id);
  }

  /** Forgets a block, as it is sent now. */
  takeBlock(block: Block): void {
    if (!this.#blocks.delete(block)) return;
    for (const id of block.rows.keys()) this.#blockById.delete(id);
    this.#bytes -= block.size;
  }

  /** Remembers what became of an event. */
  keepVerdict(id: string, result: DeliveryResult): void {
    this.#verdicts.delete(id); // A Map keeps the order of insertion: the oldest stands first.
    this.#verdicts.set(id, { result, forgetAt: this.#now() + this.#limits.ageMs });
    this.#forgetOld();
  }

  /** What became of an event. It is told once. */
  takeVerdict(id: string): DeliveryResult | undefined {
    this.#forgetOld();
    const verdict = this.#verdicts.get(id);
    if (verdict !== undefined) this.#verdicts.delete(id);
    return verdict?.result;
  }

  #forgetOld(): void {
    const now = this.#now();
    for (const [block, forgetAt] of this.#blocks) {
      if (forgetAt > now && this.#bytes <= this.#limits.bytes) break;
      this.takeBlock(block);
    }
    for (const [id, { forgetAt }] of this.#verdicts) {
      if (forgetAt > now && this.#verdicts.size <= this.#limits.verdicts) break;
      this.#verdicts.delete(id);
    }
  }
}
