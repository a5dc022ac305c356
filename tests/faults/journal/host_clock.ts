/**
 * The clock of one host, which can be set while programs run: with Debian's libfaketime, which answers for the system.
 * The time since the start of the system, by which programs measure how long something takes, goes on evenly.
 *
 * @module
 */

import { TempDir } from "../../support/temp_dir.ts";

/** Debian puts it into a folder of each architecture. */
const PLACES = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((folder) =>
  `/usr/lib/${folder}/faketime/libfaketimeMT.so.1`
);

/** Programs that are started with its environment have its time, a second after it was set. */
export class HostClock implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly #library: string | undefined;

  private constructor(directory: TempDir, library: string | undefined) {
    this.#directory = directory;
    this.#library = library;
  }

  static async create(): Promise<HostClock> {
    const clock = new HostClock(await TempDir.create(), await findLibrary());
    await clock.set(0);
    return clock;
  }

  /** Whether it can be set on this machine. */
  get canBeSet(): boolean {
    return this.#library !== undefined;
  }

  /** What programs of this host are started with. */
  get environment(): Readonly<Record<string, string>> {
    if (this.#library === undefined) return {};
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#directory.file("offset"),
      // In seconds: otherwise the file would be read each time that the program looks at the clock.
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** @param seconds before or after the time of this machine */
  async set(seconds: number): Promise<void> {
    // In one step, since programs read it all the time.
    const written = await this.#directory.writeText("next", `${seconds < 0 ? "" : "+"}${seconds}\n`);
    await Deno.rename(written, this.#directory.file("offset"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

async function findLibrary(): Promise<string | undefined> {
  for (const path of PLACES) {
    try {
      await Deno.stat(path);
      return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}
