/**
 * What a lot has led to for webhooks whose order counts.
 *
 * @module
 */

import type { Packs } from "../packs/packs.ts";
import type { WaitingLane } from "../packs/waiting_lane.ts";
import type { LotRow } from "./lot_statement.ts";
import type { NewPack, WaitingLot } from "./waiting_lot.ts";

/** What is known here when a lot is answered. */
export interface OrderedState {
  readonly packs: Packs;
  /** Whether what this gateway held when the lot was sent is another's. */
  readonly isLost: boolean;
  /** Whether packs of a lane may be this gateway's in the tables that it does not know yet. */
  readonly isTaking: (lane: WaitingLane) => boolean;
}

/** What a lot has led to for webhooks whose order counts. */
export interface OrderedOutcome {
  /** Lanes that are held here, and have something to claim. */
  readonly waiting: ReadonlySet<WaitingLane>;
  /** Lanes that are not, and which gateway holds them; `undefined` where none does. */
  readonly foreign: ReadonlyMap<WaitingLane, number | undefined>;
}

/**
 * Says to senders that their events are in the tables. They are claimed only behind all that came before them; those of
 * lanes of other gateways wait there.
 *
 * @param taken the packs with keys that are no repeats
 */
export function concludeOrdered(
  { ordered, keyed }: WaitingLot,
  { lined, unread, holders }: LotRow,
  taken: ReadonlySet<NewPack>,
  { packs, isLost, isTaking }: OrderedState,
): OrderedOutcome {
  const numbers = new Map(lined);
  const repeats = new Set(keyed.map(({ pack }) => pack).filter((pack) => !taken.has(pack)));
  const hasUnread = new Set(unread);
  const holderOf = new Map(holders);
  const waiting = new Set<WaitingLane>();
  const foreign = new Map<WaitingLane, number | undefined>();
  for (const pack of ordered) {
    const { lane, isHeld, isClaimed } = pack;
    if (repeats.has(pack)) continue;
    const no = numbers.get(pack.no);
    pack.no = no ?? pack.no;
    // Without a number it was appended by an earlier try, and another gateway has delivered it since.
    if (no === undefined || !isHeld || isLost) {
      pack.report(isClaimed);
      foreign.set(lane, holderOf.get(lane.id));
      continue;
    }
    const isFirst = !hasUnread.has(lane.id) && lane.nextDueAt !== 0 && lane.claiming === 0;
    const goesOn = isClaimed && isFirst && !isTaking(lane);
    packs.appended(pack.toPack(goesOn));
    pack.report(isClaimed && !goesOn);
    if (!goesOn) waiting.add(lane);
  }
  return { waiting, foreign };
}
