/**
 * The worlds that modules and verifiers are tested in, found by name: a new one is a file in `outputs/` or
 * `verifiers/`, and no line anywhere else.
 *
 * @module
 */

import type { OutputWorld } from "../contracts/output.ts";
import type { VerifierWorld } from "../contracts/verifier.ts";

/** The folders of worlds, relative to the repository. */
export const WORLD_FOLDERS = {
  outputs: "tests/worlds/outputs",
  verifiers: "tests/worlds/verifiers",
} as const;

/** The world of an output module. */
export function outputWorld(name: string): Promise<OutputWorld> {
  return load<OutputWorld>(`./outputs/${name}.ts`);
}

/** The world of a kind of verifier. */
export function verifierWorld(key: string): Promise<VerifierWorld> {
  return load<VerifierWorld>(`./verifiers/${key}.ts`);
}

/** @throws {TypeError} when there is no such file, or it exports no `world` */
async function load<World>(path: string): Promise<World> {
  const { world } = await import(new URL(path, import.meta.url).href) as { readonly world?: World };
  if (world === undefined) throw new TypeError(`tests/worlds/${path.slice(2)} exports no 'world'`);
  return world;
}
