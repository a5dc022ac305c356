/**
 * Memory of bodies that were read, given back to the system.
 *
 * @module
 */

import { Deadline, type Deadlines, Timer } from "../../time/deadlines.ts";
import { returnFreePages } from "./allocator.ts";

/** Smaller bodies are not counted: the collections of small objects see to them. */
const COUNTED_BYTES = 16 * 1024;

/** How much has to be left over before it is asked back soon. V8 itself does not begin for less than 64 MiB. */
const MUCH_BYTES = 32 * 1024 * 1024;

/** How much has to be left over before it is asked back at all. */
const LEAST_BYTES = 2 * 1024 * 1024;

/** How long after that, so that what a burst leaves over is collected in one go, in milliseconds. */
const SOON_MS = 1_000;

/** How long after there was the least, in milliseconds. */
const LATE_MS = 10_000;

/** How long a collection may take, in milliseconds. */
const COLLECTION_MS = 1_000;

/** How often it is looked at after that whether it has come, in milliseconds. */
const LOOK_MS = 200;

/** Looks, beyond which the memory is left to V8: it is in use again, or V8 has its reasons. */
const LOOKS = 100;

/**
 * V8 collects when buffers take more than a tenth, and 64 MiB, beyond what they took after its last
 * collection. This is more than that for bodies of two gigabytes.
 */
const PRESSURE_BYTES = 256 * 1024 * 1024;

/**
 * Has the memory of large bodies given back soon after they were answered or delivered.
 *
 * V8 frees a buffer at its next full collection only, which is brought on by further buffers or by seconds
 * of idleness. Small requests leave so little behind that under them alone it does not come for hours: the
 * process would stay as large as its largest burst of bodies made it.
 */
export class BodyMemory extends Deadline {
  readonly #deadlines: Deadlines;
  readonly #collected = new Timer(() => this.#look());
  #leftOver = 0;
  /** Bytes outside of V8's heap, buffers above all, below which the collection has come. */
  #collectedBelow = 0;
  #looks = 0;
  #due: "never" | "late" | "soon" = "never";

  constructor(deadlines: Deadlines) {
    super();
    this.#deadlines = deadlines;
  }

  /** Notes that a body of so many bytes is not needed any more. */
  release(bytes: number): void {
    if (bytes < COUNTED_BYTES) return;
    this.#leftOver += bytes;
    if (this.#leftOver >= MUCH_BYTES) this.#askBack("soon", SOON_MS);
    else if (this.#leftOver >= LEAST_BYTES && this.#due === "never") this.#askBack("late", LATE_MS);
  }

  override expire(): void {
    this.#due = "never";
    this.#collectedBelow = Deno.memoryUsage().external - this.#leftOver / 2;
    this.#looks = LOOKS;
    this.#leftOver = 0;
    requestCollection();
    this.#deadlines.clear(this.#collected);
    this.#deadlines.set(COLLECTION_MS, this.#collected);
  }

  /**
   * A collection that was under way before keeps what it has passed already, and one of a busy machine goes on for as
   * long as nobody asks for it.
   */
  #look(): void {
    if (Deno.memoryUsage().external > this.#collectedBelow && this.#looks-- > 0) {
      requestCollection();
      this.#deadlines.set(LOOK_MS, this.#collected);
    } else {
      void returnFreePages();
    }
  }

  #askBack(due: "late" | "soon", milliseconds: number): void {
    if (this.#due === due) return;
    this.#deadlines.clear(this);
    this.#due = due;
    this.#deadlines.set(milliseconds, this);
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
