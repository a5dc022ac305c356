/**
 * Packages from Python's package index, each installed once into a folder of the user's cache that nothing else reads.
 *
 * @module
 */

import { join } from "@std/path";
import { pathExists } from "./path_exists.ts";

/** A package in one version. */
export interface PythonPackage {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of its wheel, without which nothing is installed, and no package beside it. @default any, with all it needs */
  readonly sha256?: string;
  /** What it needs and does not bring, as pip is asked for it. @default [] */
  readonly beside?: readonly string[];
}

/**
 * Installs a package.
 *
 * @returns the folder, for `PYTHONPATH`
 * @throws {Error} with pip's output when it cannot be installed
 */
export async function installPythonPackage(
  { name, version, sha256, beside = [] }: PythonPackage,
): Promise<string> {
  const folder = join(cacheFolder(), `${name}-${version}`);
  if (await pathExists(folder)) return folder;
  await Deno.mkdir(cacheFolder(), { recursive: true });
  // Complete or not there at all, whoever else installs it at the same time.
  const unfinished = await Deno.makeTempDir({ dir: cacheFolder(), prefix: `${name}-${version}-` });
  try {
    await install(unfinished, `${name}==${version}`, sha256, beside);
    await Deno.rename(unfinished, folder);
  } catch (error) {
    await Deno.remove(unfinished, { recursive: true });
    if (!await pathExists(folder)) throw error;
  }
  return folder;
}

async function install(
  folder: string,
  requirement: string,
  sha256: string | undefined,
  beside: readonly string[],
): Promise<void> {
  const what = [requirement, ...beside];
  if (sha256 !== undefined) {
    // pip takes hashes from files alone.
    const file = join(folder, "requirements.txt");
    await Deno.writeTextFile(file, `${requirement} --hash=sha256:${sha256}\n`);
    what.splice(0, 1, "--require-hashes", "--no-deps", "--requirement", file);
  }
  const { success, stderr } = await new Deno.Command("python3", {
    args: ["-m", "pip", "install", "--quiet", "--target", folder, ...what],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`Cannot install ${requirement}: ${new TextDecoder().decode(stderr)}`);
}

function cacheFolder(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  return join(home, "cwm-tests");
}
