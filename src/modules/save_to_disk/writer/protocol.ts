/**
 * What a {@linkcode DiskWriter} and its worker say to each other.
 *
 * @module
 */

/** To the worker. */
export type ToDiskWorker =
  | {
    readonly type: "write";
    readonly order: number;
    /** Real path of a directory that exists. */
    readonly directory: string;
    readonly files: readonly OrderedFile[];
    /** The contents of all files, one behind the other. */
    readonly contents: Uint8Array<ArrayBuffer>;
  }
  /** Nobody waits for the files any more: those that have no name yet need none. */
  | { readonly type: "cancel"; readonly order: number };

/** A file that is to be made. */
export interface OrderedFile {
  readonly name: string;
  /** How many bytes of the contents are its own. */
  readonly size: number;
  /** Whether a file that has this name already is the same one, from an attempt whose end nobody learnt of. */
  readonly isSameIfExists: boolean;
}

/** From the worker, when all files of an order and their names are on the disk, or why not. */
export interface FromDiskWorker {
  readonly order: number;
  /** One for each file, in order. */
  readonly outcomes: readonly FileOutcome[];
}

/**
 * - `written`: it is on the disk under its name, and whole.
 * - `exists`: another file has the name, and was not replaced.
 * - `cancelled`: it is not there.
 * - `failed`: it may be there; `code` is the system's code, such as `ENOSPC`.
 */
export type FileOutcome =
  | "written"
  | "exists"
  | "cancelled"
  | { readonly type: "failed"; readonly code: string; readonly message: string };
