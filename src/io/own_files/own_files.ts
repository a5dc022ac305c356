/**
 * The files of the gateway itself, which nothing that a webhook names may lead to.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import { UnreadableFileError } from "../small_file.ts";
import { ForbiddenFiles, realPathOf } from "./forbidden_files.ts";

/**
 * The files of the gateways in this process that what a webhook says must not have read: a webhook that names the
 * gateway's own key would speak as the gateway.
 */
export class OwnFiles {
  readonly #guarded = new Set<ForbiddenFiles>();

  /** Guards files until what is returned is disposed of. @param files files and directories; they need not exist */
  guard(files: readonly string[]): Disposable {
    const forbidden = new ForbiddenFiles(files);
    this.#guarded.add(forbidden);
    return { [Symbol.dispose]: () => void this.#guarded.delete(forbidden) };
  }

  /**
   * Makes sure that a path leads to none of them, nor to what the system shows of processes.
   *
   * @throws {UnreadableFileError} when it does
   */
  async refuse(path: string): Promise<void> {
    const real = await realPathOf(path);
    // What cannot be seen cannot be read either.
    if (real === undefined) return;
    const identity = await stat(real, { bigint: true });
    for (const forbidden of this.#guarded) {
      if (await forbidden.hasPath(real) || await forbidden.hasFile(identity)) {
        throw new UnreadableFileError("it belongs to the system or to the gateway itself");
      }
    }
  }
}

/** Those of this process. */
export const ownFiles = new OwnFiles();
