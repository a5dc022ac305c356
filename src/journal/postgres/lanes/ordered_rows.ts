/**
 * Packs of webhooks whose order counts, in the table `pack` among all others: one pack has events of one webhook, and
 * only the gateway that holds its lane delivers it.
 *
 * The server numbers them, one after the other, whoever appends them: what one sender sends after its 2xx has a greater
 * number. They are read by what is there, since commits come in another order than numbers, and a greater number says
 * nothing of the smaller ones. A pack that the holder has not got yet is owned by its lane.
 *
 * @module
 */

/** Numbers from here on are of such packs; those that gateways give out themselves are smaller. */
export const ORDERED_FROM = 2 ** 46;

/** The owners below this one are lanes: this number, less the lane's. The next one above has what is done. */
const LANES_BELOW = -1;

/** The owner of what the holder of a lane has not got yet. */
export function unreadOwner(lane: number): number {
  return LANES_BELOW - lane;
}

/** {@linkcode unreadOwner} of an SQL expression. */
export function unreadOwnerSql(lane: string): string {
  return `(${LANES_BELOW} - ${lane})`;
}

/** The condition that an owner is a lane. @param owner an SQL expression */
export function isLaneSql(owner: string): string {
  return `${owner} < ${LANES_BELOW}`;
}
