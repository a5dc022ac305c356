/**
 * How what was seen differs from what was expected, in lines for people.
 *
 * @module
 */

/** Lines that are compared line by line: more are shown one text after the other. */
const MAX_COMPARED = 1_000;

/** Lines that are shown of one difference. */
const MAX_SHOWN = 40;

/** Equal lines that are shown around those that differ. */
const CONTEXT = 2;

/** A place, and what differs there. */
export interface Difference {
  /** For example `deliveries.0.json`. */
  readonly place: string;
  readonly expected: string;
  readonly seen: string;
  /** Whether they are documents, of whose lines the commas at the end say nothing. @default false */
  readonly isJson?: boolean;
}

/** The difference of two texts at a place; none where they are equal. */
export function differencesOf(place: string, expected: string, seen: string): readonly Difference[] {
  return expected === seen ? [] : [{ place, expected, seen }];
}

/** The lines: `- ` before those that were expected, `+ ` before those that were seen. */
export function linesOf({ expected, seen, isJson = false }: Difference): readonly string[] {
  const [before, after] = [expected, seen].map((text) => {
    const lines = text.split("\n");
    return isJson ? lines.map((line) => line.replace(/,$/, "")) : lines;
  }) as [string[], string[]];
  // What differs may be what is not shown of them.
  const lines = expected === seen || before.length + after.length > MAX_COMPARED
    ? [...before.map((line) => `- ${line}`), ...after.map((line) => `+ ${line}`)]
    : withContext(compared(before, after));
  if (lines.length <= MAX_SHOWN) return lines;
  return [...lines.slice(0, MAX_SHOWN), `… ${lines.length - MAX_SHOWN} more lines`];
}

/** A longest common subsequence, with what is only in one of both. */
function compared(before: readonly string[], after: readonly string[]): readonly string[] {
  const lengths = commonLengths(before, after);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && before[i] === after[j]) {
      lines.push(`  ${before[i++]}`);
      j++;
    } else if (j === after.length || (i < before.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      lines.push(`- ${before[i++]}`);
    } else lines.push(`+ ${after[j++]}`);
  }
  return lines;
}

/** By where both begin, how many lines the rests have in common. */
function commonLengths(before: readonly string[], after: readonly string[]): readonly Uint16Array[] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 2));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i]![j] = before[i] === after[j]
        ? lengths[i + 1]![j + 1]! + 1
        : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  return lengths;
}

/** Leaves out equal lines far from those that differ. */
function withContext(lines: readonly string[]): readonly string[] {
  const isNear = (index: number) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some((line) => !line.startsWith("  "));
  const shown: string[] = [];
  let isLeftOut = false;
  for (const [index, line] of lines.entries()) {
    if (isNear(index)) shown.push(line);
    else if (!isLeftOut) shown.push("  …");
    isLeftOut = !isNear(index);
  }
  return shown;
}
