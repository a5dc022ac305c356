/**
 * Frees every other one of 128 pieces of memory of 1 MiB, and prints how many bytes of them the system got back. It is
 * a program, since other tests of a process take and free memory meanwhile.
 *
 * @module
 */

import { returnLargePieces } from "../../../src/io/memory/allocator.ts";

const MIB = 1024 * 1024;

// From this the C library learns to keep what is smaller.
new Uint8Array(4 * MIB).buffer.transfer(0);
returnLargePieces();
const pieces = Array.from({ length: 128 }, () => new Uint8Array(MIB).fill(1));
const before = Deno.memoryUsage().rss;
for (const [index, piece] of pieces.entries()) if (index % 2 === 0) piece.buffer.transfer(0);
const returned = before - Deno.memoryUsage().rss;
const kept = pieces.filter((piece) => piece.byteLength === MIB).length;
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ returned, kept }) + "\n"));
