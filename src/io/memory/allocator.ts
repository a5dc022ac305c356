/**
 * How the C library keeps the memory that was freed.
 *
 * @module
 */

/** Parameters of `mallopt` in the C library of GNU. */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;

/** From this length on a piece of memory goes back to the system when it is freed: bodies that are not small. */
const RETURNED_BYTES = 256 * 1024;

/** How much that is free at the end of an arena is kept, in bytes. */
const KEPT_BYTES = 1024 * 1024;

/** Arenas that threads get their small pieces from. What is free in one of them serves no thread of another. */
const ARENAS = 2;

const SYMBOLS = {
  mallopt: { parameters: ["i32", "i32"], result: "i32" },
  malloc_trim: { parameters: ["usize"], result: "i32", nonblocking: true },
} as const;

/**
 * Has large pieces of memory, which bodies take, given back to the system as soon as they are freed. Left to itself
 * the C library of GNU learns from the first of them that was freed to keep the next ones, between which small pieces
 * settle: after a burst of large bodies the process would stay as large as it was, for hours.
 *
 * Nothing is done where that library is not the system's, or the process may not load libraries; there its
 * variables `MALLOC_MMAP_THRESHOLD_`, `MALLOC_TRIM_THRESHOLD_` and `MALLOC_ARENA_MAX` can do the same.
 *
 * @see https://sourceware.org/glibc/manual/latest/html_node/Malloc-Tunable-Parameters.html
 */
export function returnLargePieces(): void {
  const library = openLibrary();
  if (library === undefined) return;
  const { mallopt } = library.symbols;
  mallopt(M_MMAP_THRESHOLD, RETURNED_BYTES);
  mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
  mallopt(M_ARENA_MAX, ARENAS);
  library.close();
}

/**
 * Gives the pages back to the system on which nothing stands any more. It takes milliseconds, in a thread of its own.
 * Nothing is done where {@linkcode returnLargePieces} does nothing.
 */
export async function returnFreePages(): Promise<void> {
  const library = openLibrary();
  if (library === undefined) return;
  try {
    await library.symbols.malloc_trim(0n);
  } finally {
    library.close();
  }
}

function openLibrary(): Deno.DynamicLibrary<typeof SYMBOLS> | undefined {
  if (Deno.build.os !== "linux" || Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return undefined;
  }
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS);
  } catch {
    // Another C library, which has ways of its own.
    return undefined;
  }
}
