/**
 * The order in which the addresses of a name are tried: that of the resolver with the families in turn (RFC 8305,
 * section 4), and behind them those that did not answer lately.
 *
 * @module
 */

import type { LookupAddress } from "node:dns";

/** For how long an address that did not answer is tried after the others, in milliseconds. */
const LATE_MS = 30_000;

/** Most addresses that are remembered; past it the one that was noted first is forgotten. */
const MAX_LATE = 1_000;

/** Sorts addresses, and remembers which of them did not answer. */
export class AddressOrder {
  readonly #now: () => number;
  /** Until when each is late, the oldest first. */
  readonly #late = new Map<string, number>();

  /** @param now the time on a clock that only goes forward, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The addresses in the order in which they are to be tried. */
  sort(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
    const inTurn = familiesInTurn(addresses);
    if (this.#late.size === 0) return inTurn;
    const now = this.#now();
    const isLate = ({ address }: LookupAddress) => (this.#late.get(address) ?? 0) > now;
    return [...inTurn.filter((address) => !isLate(address)), ...inTurn.filter(isLate)];
  }

  /** Notes which addresses failed, or had not answered by the time the other one did. */
  note(late: readonly LookupAddress[], { address: answered }: LookupAddress): void {
    const until = this.#now() + LATE_MS;
    for (const { address } of late) {
      this.#late.delete(address);
      this.#late.set(address, until);
    }
    this.#late.delete(answered);
    for (const oldest of this.#late.keys()) {
      if (this.#late.size <= MAX_LATE) break;
      this.#late.delete(oldest);
    }
  }
}

/** The first address, one of the other family, and so on, each family in its own order. */
function familiesInTurn(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
  const first = addresses[0]?.family;
  const preferred = addresses.filter(({ family }) => family === first);
  const other = addresses.filter(({ family }) => family !== first);
  const turns = Array.from({ length: Math.max(preferred.length, other.length) }, (_, turn) => turn);
  return turns.flatMap((turn) => [preferred[turn] ?? [], other[turn] ?? []].flat());
}
