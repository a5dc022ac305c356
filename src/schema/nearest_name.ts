/**
 * Names that nothing knows, as problems show them. Anybody who may write an entry decides how long they are.
 *
 * @module
 */

import { levenshteinDistance } from "@std/text/levenshtein-distance";

/** Names of more characters are shown in part, and not compared with others, which takes their length squared. */
const MOST_CHARACTERS = 100;

/** Fewer characters stand in many names that have nothing to do with them. */
const FEWEST_IN_COMMON = 3;

/** More names than these are not listed. */
const MOST_LISTED = 16;

/** A name between quotes, without what is beyond its first 100 characters. */
export function quotedName(name: string): string {
  return name.length <= MOST_CHARACTERS ? `'${name}'` : `'${name.slice(0, MOST_CHARACTERS).toWellFormed()}…'`;
}

/**
 * `: nearest is 'NAME'`: one that holds the given name or stands in it, otherwise one that is spelt alike. Where
 * none is like it, the known ones, if they are few: `: known are 'ONE', 'OTHER'`. Nothing where there is nothing
 * to say, or the given name is too long for any.
 */
export function nearestHint(name: string, known: readonly string[]): string {
  if (known.length === 0 || name.length > MOST_CHARACTERS) return "";
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return `: nearest is '${nearest}'`;
  if (known.length > MOST_LISTED) return "";
  return `: known ${known.length === 1 ? "is" : "are"} ${known.map((each) => `'${each}'`).join(", ")}`;
}

function nearestName(name: string, known: readonly string[]): string | undefined {
  const given = name.toLowerCase();
  const judged = known.map((each) => {
    const other = each.toLowerCase();
    return { each, distance: levenshteinDistance(given, other), isPart: hasPart(given, other) };
  }).sort((one, other) => one.distance - other.distance);
  // A slip of the pen is nearer than a longer name that the given one is a part of.
  return (judged.find(({ distance }) => distance <= 1) ??
    judged.find(({ isPart }) => isPart) ??
    judged.find(({ distance }) => distance * 2 <= given.length + 1))?.each;
}

function hasPart(one: string, other: string): boolean {
  const [shorter, longer] = one.length < other.length ? [one, other] : [other, one];
  return shorter.length >= FEWEST_IN_COMMON && longer.includes(shorter);
}
