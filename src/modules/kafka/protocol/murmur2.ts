/**
 * The hash that decides the partition of a key, as Java's clients compute it: MurmurHash2 of 32 bits
 * (`org.apache.kafka.common.utils.Utils.murmur2`).
 *
 * @module
 */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** The hash of a key, as a signed number of 32 bits. */
export function murmur2(key: Uint8Array): number {
  const { length } = key;
  const whole = length & ~3;
  let hash = SEED ^ length;
  for (let index = 0; index < whole; index += 4) {
    let word = key[index]! | key[index + 1]! << 8 | key[index + 2]! << 16 | key[index + 3]! << 24;
    word = Math.imul(word, M);
    word = Math.imul(word ^ (word >>> 24), M);
    hash = Math.imul(hash, M) ^ word;
  }
  const rest = length - whole;
  if (rest >= 3) hash ^= key[whole + 2]! << 16;
  if (rest >= 2) hash ^= key[whole + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ key[whole]!, M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/** The partition of a key among so many. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}
