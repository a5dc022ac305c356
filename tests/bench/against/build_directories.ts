/** A directory for each build of a comparison, since both may run at once. */

import { TempDir } from "../../support/temp_dir.ts";

/** The directories, each made when it is first asked for. Disposal removes them. */
export class BuildDirectories implements AsyncDisposable {
  readonly #directories = new Map<string, Promise<TempDir>>();

  /** The directory of the build with this root. */
  of(root: string): Promise<TempDir> {
    let directory = this.#directories.get(root);
    if (directory === undefined) this.#directories.set(root, directory = TempDir.create());
    return directory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const directory of this.#directories.values()) await (await directory)[Symbol.asyncDispose]();
  }
}
