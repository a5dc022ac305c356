/** Disks that do not play along, made with what Linux has. */

import { TempDir } from "./temp_dir.ts";

/** Runs a command and returns whether it succeeded. */
async function succeeds(program: string, ...args: readonly string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function run(program: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** A file system of its own in memory. */
export class SmallDisk implements AsyncDisposable {
  readonly #directory: TempDir;

  private constructor(directory: TempDir) {
    this.#directory = directory;
  }

  /** `undefined` where this process may not mount anything: in most containers, and for ordinary users. */
  static async mount(bytes: number): Promise<SmallDisk | undefined> {
    await using undo = new AsyncDisposableStack();
    const directory = undo.use(await TempDir.create());
    const options = `size=${bytes}`;
    if (!await succeeds("mount", "-t", "tmpfs", "-o", options, "tmpfs", directory.path)) return undefined;
    undo.move();
    return new SmallDisk(directory);
  }

  /** Of a file or directory on the disk. */
  path(name: string): string {
    return this.#directory.file(name);
  }

  /** Writes a file until nothing fits any more. Removing it makes room. */
  async fillUp(name: string): Promise<void> {
    using file = await Deno.open(this.path(name), { write: true, create: true });
    const block = new Uint8Array(4096);
    try {
      for (;;) await file.write(block);
    } catch {
      // Full, as was asked for; the runtime has no error of its own for that.
    }
  }

  /** No file of it may be open for writing. */
  async makeReadOnly(): Promise<void> {
    await run("mount", "-o", "remount,ro", this.#directory.path);
  }

  async makeWritable(): Promise<void> {
    await run("mount", "-o", "remount,rw", this.#directory.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", this.#directory.path);
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** Runs a program that gets an error, and not a signal, when a file becomes larger than it may. */
export const THROUGH_FILE_LIMIT: readonly string[] = ["sh", "-c", `trap '' XFSZ; exec "$@"`, "sh"];

/** Runs a program for which the rights of files count, even where it is started by root. */
export const THROUGH_NO_PRIVILEGES: readonly string[] = Deno.uid() === 0
  ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
  : [];

/** Bounds how large the files of a process may become. @param bytes left out, the bound is lifted */
export async function limitFileSize(pid: number, bytes?: number): Promise<void> {
  // The hard bound stays, so that an ordinary user may lift the soft one again.
  await run("prlimit", "--pid", String(pid), `--fsize=${bytes ?? "unlimited"}:unlimited`);
}

/**
 * Makes every `fsync` and `fdatasync` of a program take longer, with strace.
 *
 * @returns the beginning of the program's command line; `undefined` where processes may not be traced
 */
export async function throughSlowSync(milliseconds: number): Promise<readonly string[] | undefined> {
  if (!await succeeds("strace", "-f", "--seccomp-bpf", "-e", "trace=fsync", "true")) return undefined;
  const delay = `delay_enter=${milliseconds * 1000}`;
  return [
    "strace",
    // The traced program is the child that is started and killed, not strace.
    "-DD",
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-e",
    "signal=none",
    "-o",
    "/dev/null",
    "-e",
    `inject=fsync,fdatasync:${delay}`,
    "-e",
    "trace=fsync,fdatasync",
  ];
}
