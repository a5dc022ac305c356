/**
 * Installs the SDKs once into the user's cache, as npm has them.
 *
 * @module
 */

import { join } from "@std/path";
import { cacheFolder } from "../real/cache.ts";
import { adapters } from "./asker/adapters.ts";

/** Makes the program for Node out of the adapters. */
const BUNDLER = "esbuild@0.25.12";

/**
 * Installs every SDK in the version that its adapter names.
 *
 * @returns the folder
 * @throws {Error} when npm cannot
 */
export async function installSdks(): Promise<string> {
  const packages = [...new Set([...Object.values(adapters).map((adapter) => adapter.package), BUNDLER])]
    .sort();
  const dependencies = Object.fromEntries(packages.map((each) => {
    const at = each.lastIndexOf("@");
    return [each.slice(0, at), each.slice(at + 1)];
  }));
  const manifest = JSON.stringify({ private: true, dependencies }, undefined, 2);
  const folder = cacheFolder("sdks");
  const installed = join(folder, "installed.json");
  if (await textIn(installed) === manifest) return folder;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "package.json"), manifest);
  // Nothing of a package runs while it is installed, and what stands beside an SDK is of no interest.
  await run(folder, "npm", [
    "install",
    "--ignore-scripts",
    "--legacy-peer-deps",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]);
  await Deno.writeTextFile(installed, manifest);
  return folder;
}

/** Makes one program out of the adapters, beside the SDKs. Returns its path. */
export async function bundleAsker(folder: string): Promise<string> {
  const source = join(import.meta.dirname!, "asker/main.ts");
  const program = join(folder, "asker.mjs");
  const options = [
    "--bundle",
    "--platform=node",
    "--format=esm",
    "--packages=external",
    "--log-level=warning",
  ];
  await run(folder, join(folder, "node_modules/.bin/esbuild"), [source, ...options, `--outfile=${program}`]);
  return program;
}

async function run(cwd: string, command: string, args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(command, { args: [...args], cwd, stdin: "null" }).spawn().status;
  if (!success) throw new Error(`${command} ${args.join(" ")} failed`);
}

async function textIn(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
