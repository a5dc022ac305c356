/**
 * Names that nothing knows, as problems show them. Anybody who may write an entry decides how long they are.
 *
 * @module
 */

import { closestString } from "@std/text/closest-string";

/** Names of more characters are shown in part, and not compared with others, which takes their length squared. */
const MOST_CHARACTERS = 100;

/** A name between quotes, without what is beyond its first 100 characters. */
export function quotedName(name: string): string {
  return name.length <= MOST_CHARACTERS ? `'${name}'` : `'${name.slice(0, MOST_CHARACTERS).toWellFormed()}…'`;
}

/** `: nearest is 'NAME'`; nothing where there is no name, or the given one is too long for any. */
export function nearestHint(name: string, known: readonly string[]): string {
  if (known.length === 0 || name.length > MOST_CHARACTERS) return "";
  return `: nearest is '${closestString(name, known)}'`;
}
