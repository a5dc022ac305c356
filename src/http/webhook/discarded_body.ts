/**
 * Bodies that are not wanted. The runtime answers and then reads on until the body ends, however long that takes; where
 * the body is read here, the connection closes when the reading ends.
 *
 * @module
 */

import { Pieces } from "./pieces.ts";

/** Up to this declared length in bytes, the runtime may skip a body by itself. */
const SKIPPED_BYTES = 1024 * 1024;

/** How much of a longer body is read after the answer, in bytes: whoever reads an answer only then gets it. */
const MAX_BYTES = 64 * 1024 * 1024;

/** For how long that goes on, in milliseconds. */
const MAX_MS = 30_000;

/**
 * Gives up a body that will not be read. Without it the connection is reset at its next request, and the
 * sender sees a network error instead of the answer.
 */
export async function discardBody(request: Request): Promise<void> {
  if (request.bodyUsed || request.body === null) return;
  if (isSkipped(request)) {
    await request.body.cancel().catch(() => {
      // The sender went away first: there is nothing left to give up.
    });
  } else discardPieces(new Pieces(request.body.getReader()));
}

/** Reads and drops what is left of a body, up to a bound; then the connection is closed. Never rejects. */
export async function discardPieces(pieces: Pieces): Promise<void> {
  const until = performance.now() + MAX_MS;
  let left = MAX_BYTES;
  try {
    while (left > 0 && performance.now() < until) {
      const piece = await pieces.next();
      if (piece === undefined) return;
      left -= piece.byteLength;
      // A piece of one byte holds a buffer of 64 KiB, and it would be collected later, with many others.
      piece.buffer.transfer(0);
    }
    await pieces.cancel();
  } catch {
    // The sender went away first, or the server closes: there is nothing left to discard.
  }
}

/**
 * A sender that waits for `100 Continue` gets it from the runtime before its answer, and its body is like any other.
 * Over HTTP/2, which comes with TLS, to give up a body that is still on its way would end the stream and its answer.
 */
function isSkipped({ headers, url }: Request): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= SKIPPED_BYTES && !url.startsWith("https:");
}
