/**
 * What is sent in one statement: a lot, or a part of it, once the server has refused a value somewhere in the whole.
 *
 * @module
 */

import { halves } from "../../../modules/halves.ts";
import type { Pack } from "../packs/pack.ts";
import type { GivenUp } from "../packs/packs.ts";
import { WaitingLot } from "./waiting_lot.ts";

/** What a part consists of. */
interface PartContents {
  readonly lot?: WaitingLot;
  readonly packs?: readonly Pack[];
  readonly givenUp?: readonly GivenUp[];
  readonly removes?: boolean;
  readonly isBare?: boolean;
  readonly wasSent?: boolean;
}

/** Appends, outcomes and removals that go together. */
export class LotPart {
  readonly lot: WaitingLot;
  /** Packs of which something is recorded. */
  packs: readonly Pack[];
  /** What becomes a dead letter: always with the pack that it is of. */
  readonly givenUp: readonly GivenUp[];
  /** Whether packs are removed whose senders were refused. */
  readonly removes: boolean;
  /** Whether outcomes go without what the server might refuse: texts, progress, and what is kept after its delivery. */
  readonly isBare: boolean;
  /** Whether it may be in the tables although nobody knows. */
  wasSent: boolean;

  constructor(
    { lot = new WaitingLot(), packs = [], givenUp = [], removes = false, isBare = false, wasSent = false }:
      PartContents,
  ) {
    this.lot = lot;
    this.packs = packs;
    this.givenUp = givenUp;
    this.removes = removes;
    this.isBare = isBare;
    this.wasSent = wasSent;
  }

  get hasAppends(): boolean {
    return this.lot.count > 0;
  }

  get hasOutcomes(): boolean {
    return this.packs.length > 0 || this.givenUp.length > 0;
  }

  /** Whether it is one pack of appends and nothing more. */
  get isOnePack(): boolean {
    return this.lot.numbered.length === 1 && !this.hasOutcomes && !this.removes;
  }

  /** Smaller parts, in which the order of appends is kept; none where one append or the outcomes of one pack stand alone. */
  divide(): readonly LotPart[] {
    const { lot, packs, givenUp, removes, isBare, wasSent } = this;
    const kinds = [
      ...this.hasAppends ? [new LotPart({ lot, wasSent })] : [],
      ...this.hasOutcomes ? [new LotPart({ packs, givenUp, isBare })] : [],
      ...removes ? [new LotPart({ removes })] : [],
    ];
    if (kinds.length > 1) return kinds;
    // The halves of a pack are new ones.
    const wereSent = wasSent && !this.isOnePack;
    if (this.hasAppends) return lot.divide().map((half) => new LotPart({ lot: half, wasSent: wereSent }));
    return this.#divideOutcomes();
  }

  /** The outcomes of one pack in a form that the server takes; `undefined` where this is it. */
  toBare(): LotPart | undefined {
    const { packs, givenUp, isBare } = this;
    return isBare ? undefined : new LotPart({ packs, givenUp, isBare: true });
  }

  #divideOutcomes(): readonly LotPart[] {
    const { packs, givenUp, isBare } = this;
    if (packs.length < 2) return [];
    return halves(packs).map((half) => {
      const nos = new Set(half.map(({ no }) => no));
      return new LotPart({ packs: half, givenUp: givenUp.filter(({ no }) => nos.has(no)), isBare });
    });
  }
}
