/**
 * Resolves like `Promise.all`, or rejects with the first failure in the order of the list, but never before all have
 * ended: where one fails, nothing of the others goes on behind the caller's back.
 */
export async function allEnded<Work extends readonly unknown[] | []>(
  work: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
