/**
 * Lines for the person or the program at the other end of the standard streams.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Writes a line to standard output. Returns whether somebody still reads it. */
export function print(line: string): boolean {
  return writeAll(Deno.stdout, encoder.encode(line + "\n"));
}

/** Writes bytes to standard output as they are. */
export function printBytes(bytes: Uint8Array): void {
  writeAll(Deno.stdout, bytes);
}

/** Writes a line to standard error. */
export function printError(line: string): void {
  writeAll(Deno.stderr, encoder.encode(line + "\n"));
}

/** Writes text to standard error as it is. */
export function writeError(text: string): void {
  writeAll(Deno.stderr, encoder.encode(text));
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): boolean {
  let rest = bytes;
  try {
    while (rest.byteLength > 0) rest = rest.subarray(stream.writeSync(rest));
    return true;
  } catch (error) {
    // Whoever reads has read enough, as `head` does.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    return false;
  }
}
