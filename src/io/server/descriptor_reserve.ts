/**
 * Descriptors that are held back from connections, so that files can still be opened when a flood of connections
 * has taken all others.
 *
 * @module
 */

/** A file that is always there, empty, and may be open any number of times. */
const EMPTY_FILE = Deno.build.os === "windows" ? "NUL" : "/dev/null";

/** Codes of the system for "no descriptor is left", of this process or of the whole system. */
const EXHAUSTED: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE"]);

/** Descriptors that are held while there is room, and given up when there is none. */
export class DescriptorReserve {
  readonly #size: number;
  #held: readonly Deno.FsFile[] = [];

  /** @param size how many descriptors are held */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Holds the descriptors, if they are not held yet. Where the system does not let the file be opened at all, there
   * is no reserve, and nothing to wait for.
   *
   * @param spare how many others must be free besides
   * @returns `false` when there are not as many; then none is held
   */
  hold(spare: number): boolean {
    if (this.#held.length > 0) return true;
    const opened: Deno.FsFile[] = [];
    try {
      while (opened.length < this.#size + spare) opened.push(Deno.openSync(EMPTY_FILE));
    } catch (error) {
      closeAll(opened);
      return !isExhausted(error);
    }
    this.#held = opened.slice(0, this.#size);
    closeAll(opened.slice(this.#size));
    return true;
  }

  /** Gives the descriptors up, for whoever needs one. */
  release(): void {
    closeAll(this.#held);
    this.#held = [];
  }
}

function closeAll(files: readonly Deno.FsFile[]): void {
  for (const file of files) file.close();
}

function isExhausted(error: unknown): boolean {
  return EXHAUSTED.has((error as { readonly code?: unknown }).code);
}
