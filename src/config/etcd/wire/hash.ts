const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;

/**
 * A 53-bit hash of some bytes, to tell whether a value has changed without keeping it: two accumulators
 * of 32 bits after cyrb53. It withstands accidents, not adversaries; whoever may write configuration has
 * no use for a collision.
 *
 * @see https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js
 */
export function hashBytes(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let high = 0xdeadbeef ^ (end - start);
  let low = 0x41c6ce57 ^ (end - start);
  for (let index = start; index < end; index++) {
    const byte = bytes[index]!;
    high = Math.imul(high ^ byte, PRIME_1);
    low = Math.imul(low ^ byte, PRIME_2);
  }
  high = Math.imul(high ^ (high >>> 16), PRIME_2) ^ Math.imul(low ^ (low >>> 13), PRIME_1);
  low = Math.imul(low ^ (low >>> 16), PRIME_2) ^ Math.imul(high ^ (high >>> 13), PRIME_1);
  return (high >>> 11) * 0x100000000 + (low >>> 0);
}
