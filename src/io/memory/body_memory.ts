/**
 * Memory of bodies that were read, given back to the system.
 *
 * @module
 */

import { Deadline, type Deadlines } from "../../time/deadlines.ts";

/** Smaller bodies are not counted: the collections of small objects see to them. */
const COUNTED_BYTES = 16 * 1024;

/** How much has to be left over before it is asked back. V8 itself does not begin for less than 64 MiB. */
const LEFT_OVER_BYTES = 16 * 1024 * 1024;

/** How long after that, so that what a burst leaves over is collected in one go. */
const DELAY_MS = 1_000;

/**
 * V8 collects when buffers take more than a tenth, and 64 MiB, beyond what they took after its last
 * collection. This is more than that for bodies of two gigabytes.
 */
const PRESSURE_BYTES = 256 * 1024 * 1024;

/**
 * Has the memory of large bodies given back soon after they were answered.
 *
 * V8 frees a buffer at its next full collection only, which is brought on by further buffers or by seconds
 * of idleness. Small requests leave so little behind that under them alone it does not come for hours: the
 * process would stay as large as its largest burst of bodies made it.
 */
export class BodyMemory extends Deadline {
  readonly #deadlines: Deadlines;
  #leftOver = 0;
  #due = false;

  constructor(deadlines: Deadlines) {
    super();
    this.#deadlines = deadlines;
  }

  /** Notes that a body of so many bytes is not needed any more. */
  release(bytes: number): void {
    if (bytes < COUNTED_BYTES) return;
    this.#leftOver += bytes;
    if (this.#due || this.#leftOver < LEFT_OVER_BYTES) return;
    this.#due = true;
    this.#deadlines.set(DELAY_MS, this);
  }

  override expire(): void {
    this.#due = false;
    this.#leftOver = 0;
    requestCollection();
  }
}

/**
 * Makes V8 begin a collection in the background, which holds this thread up for less than a millisecond,
 * by the appearance of a large buffer. Nothing is written to it, so it takes address space only.
 */
function requestCollection(): void {
  try {
    new ArrayBuffer(PRESSURE_BYTES).transfer(0);
  } catch (error) {
    // There is no such room, and V8 has collected before it said so.
    if (!(error instanceof RangeError)) throw error;
  }
}
