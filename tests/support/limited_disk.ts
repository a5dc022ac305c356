/**
 * A place for files whose disk can be filled and made read-only: a small file system of its own in memory
 * where mounting is allowed. Elsewhere the limit on the size of this process' files stands in for a full
 * disk, and a directory in the place of the file for a read-only one: the errors are other ones, what the
 * program must do is the same.
 *
 * @module
 */

import { join } from "@std/path";
import { TempDir } from "./temp_dir.ts";

const SIZE_BYTES = 2 * 1024 * 1024;

/** A disk of 2 MiB. */
export abstract class LimitedDisk implements AsyncDisposable {
  protected readonly temporary: TempDir;

  protected constructor(temporary: TempDir) {
    this.temporary = temporary;
  }

  static async create(): Promise<LimitedDisk> {
    const temporary = await TempDir.create();
    const options = `size=${SIZE_BYTES}`;
    const isMounted = await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", temporary.path]);
    return isMounted ? new MountedDisk(temporary) : new PretendedDisk(temporary);
  }

  /** A directory on the disk that does not exist yet. */
  get directory(): string {
    return this.temporary.file("data");
  }

  /** Leaves no space. */
  abstract fill(): Promise<void>;
  /** Undoes {@linkcode fill}. */
  abstract free(): Promise<void>;
  /** Nothing can be written to a file of the directory any more. It must not be open. */
  abstract makeReadOnly(file: string): Promise<void>;
  /** Undoes {@linkcode makeReadOnly}. */
  abstract makeWritable(file: string): Promise<void>;
  abstract [Symbol.asyncDispose](): Promise<void>;
}

class MountedDisk extends LimitedDisk {
  override async fill(): Promise<void> {
    using ballast = await Deno.open(this.#ballast, { write: true, create: true, append: true });
    const piece = new Uint8Array(4096);
    try {
      while (await ballast.write(piece) === piece.length);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }

  override free(): Promise<void> {
    return Deno.remove(this.#ballast);
  }

  override async makeReadOnly(): Promise<void> {
    await mustRun("mount", ["-o", "remount,ro", this.temporary.path]);
  }

  override async makeWritable(): Promise<void> {
    await mustRun("mount", ["-o", "remount,rw", this.temporary.path]);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await mustRun("umount", [this.temporary.path]);
    await this.temporary[Symbol.asyncDispose]();
  }

  get #ballast(): string {
    return this.temporary.file("ballast");
  }
}

class PretendedDisk extends LimitedDisk {
  #isFull = false;

  override async fill(): Promise<void> {
    if (!this.#isFull) Deno.addSignalListener("SIGXFSZ", ignore);
    this.#isFull = true;
    await limitFileSize("1");
  }

  override async free(): Promise<void> {
    if (!this.#isFull) return;
    await limitFileSize("unlimited");
    this.#isFull = false;
    Deno.removeSignalListener("SIGXFSZ", ignore);
  }

  override async makeReadOnly(file: string): Promise<void> {
    await Deno.rename(join(this.directory, file), this.temporary.file(file));
    await Deno.mkdir(join(this.directory, file));
  }

  override async makeWritable(file: string): Promise<void> {
    await Deno.remove(join(this.directory, file));
    await Deno.rename(this.temporary.file(file), join(this.directory, file));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.free();
    await this.temporary[Symbol.asyncDispose]();
  }
}

/** The signal would end the process; once it is listened to, the write fails instead. */
function ignore(): void {}

/** Only the soft limit, which may be raised again. */
async function limitFileSize(bytes: string): Promise<void> {
  await mustRun("prlimit", ["--pid", String(Deno.pid), `--fsize=${bytes}:`]);
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOSPC";
}

async function run(program: string, args: readonly string[]): Promise<boolean> {
  const { success } = await new Deno.Command(program, { args: [...args], stderr: "null" }).output();
  return success;
}

async function mustRun(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  }
}
