/**
 * Finds variables that were probably meant to be others.
 *
 * @module
 */

import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { VARIABLES } from "./table.ts";

/** How many characters may be wrong for a name to count as misspelt. */
const MISSPELLING_EDITS = 2;

/**
 * Names that begin like a variable of the gateway and differ from one by a slip of the pen. Others are left alone:
 * the environment is full of variables that belong to somebody else.
 */
export function* misspellings(env: Readonly<Record<string, string | undefined>>): Generator<string> {
  const names = Object.keys(VARIABLES);
  const families = new Set(names.filter((name) => name.includes("_")).map((name) => name.split("_", 1)[0]));
  for (const name of Object.keys(env)) {
    if (name in VARIABLES || !name.includes("_") || !families.has(name.split("_", 1)[0])) continue;
    const meant = names.find((known) => levenshteinDistance(name, known) <= MISSPELLING_EDITS);
    if (meant !== undefined) yield `${name} is not a variable of this program: did you mean ${meant}?`;
  }
}
