/**
 * Compares this build with another revision:
 *
 *     deno task bench accept --against v0.1.0
 *
 * @module
 */

import { checkOut, THIS_BUILD } from "./build.ts";
import { COMPARABLE_BENCHES, type ComparisonOptions } from "./comparables.ts";
import { compareBuilds } from "./comparison.ts";

/** How often both builds run, unless the command line says otherwise. */
export const COMPARISON_ROUNDS = 7;

/**
 * Runs a benchmark with both builds and prints how they compare.
 *
 * @returns the exit status: 0 when this build is not slower, 1 when it is
 * @throws {TypeError} when builds cannot be compared by this benchmark
 * @throws {Error} when there is no such revision
 */
export async function benchAgainst(
  name: string,
  revision: string,
  options: ComparisonOptions,
): Promise<number> {
  const prepare = Object.hasOwn(COMPARABLE_BENCHES, name) ? COMPARABLE_BENCHES[name] : undefined;
  if (prepare === undefined) {
    const names = Object.keys(COMPARABLE_BENCHES).join(", ");
    throw new TypeError(`Cannot compare builds by '${name}': expected one of ${names}`);
  }
  await using before = await checkOut(revision);
  await using resources = new AsyncDisposableStack();
  const comparables = await prepare(options, resources);
  return await compareBuilds(comparables, { before, after: THIS_BUILD }, options.rounds) ? 1 : 0;
}
