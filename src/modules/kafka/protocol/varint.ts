/**
 * `VARINT` of the Kafka protocol: a number of 32 bits, zigzag encoded, 7 bits a byte.
 *
 * @module
 */

/** How many bytes a number takes. */
export function varintSize(value: number): number {
  const zigzag = (value << 1) ^ (value >> 31);
  if ((zigzag & ~0x7f) === 0) return 1;
  if ((zigzag & ~0x3fff) === 0) return 2;
  if ((zigzag & ~0x1fffff) === 0) return 3;
  return (zigzag & ~0xfffffff) === 0 ? 4 : 5;
}

/** Writes a number, and returns where it ends. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let zigzag = (value << 1) ^ (value >> 31);
  while ((zigzag & ~0x7f) !== 0) {
    target[offset++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  target[offset++] = zigzag;
  return offset;
}
