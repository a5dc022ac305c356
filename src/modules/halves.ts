/**
 * Two halves of a batch that a system refused as a whole, for what is in it: each is tried by itself, then the halves of
 * the one that is refused again, until what is to blame stands alone. One of 1,000 is found with about 20 tries.
 *
 * @param batch two or more
 * @returns the first half, which has one more where the number is odd, and the second
 */
export function halves<Item>(batch: readonly Item[]): [readonly Item[], readonly Item[]] {
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)];
}
