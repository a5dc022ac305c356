/**
 * Shares of what all webhooks use together: each may hold as much as nobody holds. One alone gets half; the more
 * that hold their share, the smaller the shares become, and something is always left for whoever holds nothing.
 * It takes two counters, and no list of those that share.
 *
 * @see A. K. Choudhury, E. L. Hahne: Dynamic Queue Length Thresholds for Shared-Memory Packet Switches, IEEE/ACM
 * Transactions on Networking 6 (1998)
 * @module
 */

/**
 * How much more may be held, in the unit of the arguments; less than 0 when more is held already. Whoever holds
 * nothing should get what fits at all, so that one large thing is not refused for ever.
 *
 * @param held by the one that asks
 * @param free what nobody holds
 */
export function fairRoom(held: number, free: number): number {
  return (free - held) / 2;
}

/** What one webhook holds of the bounds on requests under way. */
export class Holding {
  requests = 0;
  /** Of bodies, in bytes. */
  bytes = 0;
}
