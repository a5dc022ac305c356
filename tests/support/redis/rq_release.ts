/** Releases of RQ from Python's package index, beside the one that Debian has. */

import { join } from "@std/path";

/**
 * Installs a release once, into a folder of the user's cache that nothing else reads.
 *
 * @returns the folder, for `PYTHONPATH`
 * @throws {Error} with pip's output when it cannot be installed
 */
export async function installRq(version: string): Promise<string> {
  const folder = join(cacheFolder(), `rq-${version}`);
  if (await exists(folder)) return folder;
  await Deno.mkdir(cacheFolder(), { recursive: true });
  // Complete or not there at all, whoever else installs it at the same time.
  const unfinished = await Deno.makeTempDir({ dir: cacheFolder(), prefix: `rq-${version}-` });
  try {
    const { success, stderr } = await new Deno.Command("python3", {
      args: ["-m", "pip", "install", "--quiet", "--target", unfinished, `rq==${version}`],
      stdin: "null",
    }).output();
    if (!success) throw new Error(`Cannot install RQ ${version}: ${new TextDecoder().decode(stderr)}`);
    await Deno.rename(unfinished, folder);
  } catch (error) {
    await Deno.remove(unfinished, { recursive: true });
    if (!await exists(folder)) throw error;
  }
  return folder;
}

function cacheFolder(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  return join(home, "cwm-tests");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
