/**
 * Caddy and Traefik as PyPI has them, installed once into the user's cache. Debian's nginx and HAProxy are part of
 * `deno task test`.
 *
 * @module
 */

import { join } from "@std/path";
import { cacheFolder } from "../cache.ts";
import type { ReadySystem, RealSystem } from "../real_system.ts";

/** Caddy 2.11. */
export const caddy: RealSystem = {
  name: "caddy",
  files: ["tests/real/proxies/caddy_test.ts"],
  prepare: () => prepare("caddy", "2.11.7", "CADDY_BIN"),
};

/** Traefik 3.7. */
export const traefik: RealSystem = {
  name: "traefik",
  files: ["tests/real/proxies/traefik_test.ts"],
  prepare: () => prepare("traefik", "3.7.15", "TRAEFIK_BIN"),
};

/** @param variable what tells the tests where the program is */
async function prepare(name: string, version: string, variable: string): Promise<ReadySystem | string> {
  const folder = cacheFolder(`${name}-${version}`);
  const program = join(folder, "bin", name);
  const failure = await installed(program) ? undefined : await install(folder, `${name}-bin==${version}`);
  if (failure !== undefined) return failure;
  const { stdout } = await new Deno.Command(program, { args: ["version"] }).output();
  return {
    version: /\d+\.\d+\.\d+/.exec(new TextDecoder().decode(stdout))?.[0] ?? "unknown",
    env: { [variable]: program },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Returns why it did not work out, if it did not. */
async function install(folder: string, requirement: string): Promise<string | undefined> {
  const steps = [
    ["python3", "-m", "venv", folder],
    [join(folder, "bin/pip"), "install", "--quiet", requirement],
  ];
  for (const [program = "", ...args] of steps) {
    try {
      const { success } = await new Deno.Command(program, { args, stdin: "null" }).spawn().status;
      if (!success) return `${program} ${args.join(" ")} failed`;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return `there is no ${program}`;
      throw error;
    }
  }
  return undefined;
}

async function installed(program: string): Promise<boolean> {
  try {
    return (await Deno.stat(program)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
