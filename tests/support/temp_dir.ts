import { join } from "@std/path";

/**
 * A directory of a test's own below the system's temporary folder. Disposal removes it with all it holds.
 *
 *     await using dir = await TempDir.create();
 *     const file = await dir.writeJson("webhooks.json", { orders: { module: "log" } });
 */
export class TempDir implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async create(): Promise<TempDir> {
    return new TempDir(await Deno.makeTempDir({ prefix: "cwm-test-" }));
  }

  /** The path of a file in the directory, whether it exists or not. */
  file(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Writes a file and returns its path. */
  async writeText(name: string, text: string): Promise<string> {
    const path = this.file(name);
    await Deno.writeTextFile(path, text);
    return path;
  }

  /** Writes a value as JSON and returns the file's path. */
  writeJson(name: string, value: unknown): Promise<string> {
    return this.writeText(name, JSON.stringify(value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await Deno.remove(this.path, { recursive: true });
    } catch (error) {
      // A test may have removed the directory itself, to see what the program makes of that.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
