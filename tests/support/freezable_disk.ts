import { assert } from "@std/assert";
import { TempDir } from "./temp_dir.ts";

/** A file system in a file, whose writers wait while it is frozen. */
export class FreezableDisk implements AsyncDisposable {
  readonly #directory: TempDir;
  #isFrozen = false;

  private constructor(directory: TempDir) {
    this.#directory = directory;
  }

  /** @throws {AssertionError} where nothing may be mounted: it takes root */
  static async mount(): Promise<FreezableDisk> {
    const directory = await TempDir.create();
    const image = directory.file("image");
    const disk = new FreezableDisk(directory);
    await Deno.mkdir(disk.path);
    await run("truncate", "-s", "64M", image);
    await run("mkfs.ext4", "-q", "-F", image);
    await run("mount", "-o", "loop", image, disk.path);
    return disk;
  }

  get path(): string {
    return this.#directory.file("mounted");
  }

  /** Until {@linkcode thaw}, or the disposal of what it returns. */
  async freeze(): Promise<AsyncDisposable> {
    await run("fsfreeze", "-f", this.path);
    this.#isFrozen = true;
    return { [Symbol.asyncDispose]: () => this.thaw() };
  }

  async thaw(): Promise<void> {
    if (this.#isFrozen) await run("fsfreeze", "-u", this.path);
    this.#isFrozen = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.thaw();
    await run("umount", "-l", this.path);
    await this.#directory[Symbol.asyncDispose]();
  }
}

async function run(program: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  assert(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}; run it as root`);
}
