/**
 * All that stands in standard input.
 *
 * @param maxBytes how much is taken, in bytes
 * @throws {Error} when there is more, or it cannot be read
 */
export async function readInput(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of Deno.stdin.readable) {
    length += piece.length;
    if (length > maxBytes) throw new Error(`it has more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
