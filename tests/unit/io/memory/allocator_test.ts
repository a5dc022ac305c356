import { assert } from "@std/assert";
import { returnLargePieces } from "../../../../src/io/memory/allocator.ts";

const MIB = 1024 * 1024;

Deno.test("large pieces of memory go back to the system when freed, also those between others", () => {
  // From this the C library learns to keep what is smaller.
  new Uint8Array(4 * MIB).buffer.transfer(0);
  returnLargePieces();
  const pieces = Array.from({ length: 128 }, () => new Uint8Array(MIB).fill(1));
  const before = Deno.memoryUsage().rss;
  for (const [index, piece] of pieces.entries()) if (index % 2 === 0) piece.buffer.transfer(0);
  const returned = before - Deno.memoryUsage().rss;
  assert(returned > 24 * MIB, `${returned} of ${64 * MIB} bytes were returned`);
  assert(pieces.every((piece, index) => piece.byteLength === (index % 2 === 0 ? 0 : MIB)));
});
