/**
 * The pieces that a body comes in, as the runtime hands them out.
 *
 * @module
 */

import { breathe } from "../../time/pace.ts";
import { TurnShares } from "../../time/turn_shares.ts";

/**
 * Pieces of bodies that are read in a turn, of all together. Of one byte each there may be 20,000 in 100 kB, and all
 * of them are ready when the first one is: without a bound the runtime reads one after the other and does nothing else.
 */
const PIECES_IN_A_TURN = new TurnShares(32);

/** For each so many bytes, a piece counts as one more: to copy them takes time, too. */
const BYTES_OF_A_PIECE = 8 * 1024;

/** So many pieces of each body come at once: ordinary ones have no more. */
const FREE_PIECES = 4;

/** In so many turns of the event loop an answer is written for certain. */
const TURNS_OF_ANSWER = 50;

/** Reads a body piece by piece, and lets everything else run in between. */
export class Pieces {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #count = 0;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>) {
    this.#reader = reader;
  }

  /** The next piece; `undefined` at the end. */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const isFree = ++this.#count <= FREE_PIECES;
    if (!isFree) await PIECES_IN_A_TURN.take();
    const { value } = await this.#reader.read();
    if (!isFree && value !== undefined) {
      PIECES_IN_A_TURN.charge(Math.floor(value.byteLength / BYTES_OF_A_PIECE));
    }
    return value;
  }

  /** Closes the connection, once the request is answered. */
  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  /**
   * Closes the connection of a request that is answered in this moment. While the answer is on its way, the runtime
   * (Deno 2.9.6) would not close it but read the body to its end, in tiny chunks for seconds without a break.
   */
  async cancelAfterAnswer(): Promise<void> {
    for (let turn = 0; turn < TURNS_OF_ANSWER; turn++) await breathe();
    await this.cancel();
  }
}
