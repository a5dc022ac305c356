const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 63n - 1n;

/** Whether an integer fits into 64 bits with a sign. */
export function fitsInt(value: bigint): boolean {
  return value >= MIN_INT && value <= MAX_INT;
}
