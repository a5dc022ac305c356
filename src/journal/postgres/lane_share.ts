/** Which part of the journal one webhook may hold, of all gateways together. */
export const LANE_SHARE = 1 / 2;
