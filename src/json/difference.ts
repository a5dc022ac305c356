/**
 * Where two JSON values differ. The order of keys does not count, the spelling of numbers does: `1` and
 * `1.0` differ, and so do two numbers that only a double cannot tell apart.
 *
 * @module
 */

/** A number as it is written: `1` and `1.0` differ. */
export class NumberText {
  constructor(readonly text: string) {}
}

/**
 * The paths at which two values differ, for example `hmac.secret`; `""` for the values as a whole. Where
 * only one of them has a key, the key is named and not what it holds.
 *
 * @param left valid JSON
 * @param right valid JSON
 */
export function differingPaths(left: string, right: string): string[] {
  return left === right ? [] : [...differences(parseAsWritten(left), parseAsWritten(right), "")];
}

function* differences(left: unknown, right: unknown, path: string): Generator<string> {
  if (left instanceof NumberText && right instanceof NumberText) {
    if (left.text !== right.text) yield path;
  } else if (isContainer(left) && isContainer(right) && Array.isArray(left) === Array.isArray(right)) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const child = path === "" ? key : `${path}.${key}`;
      const isInBoth = Object.hasOwn(left, key) && Object.hasOwn(right, key);
      if (isInBoth) yield* differences(left[key], right[key], child);
      else yield child;
    }
  } else if (left !== right) yield path;
}

/** Whether a value that was {@linkcode parseAsWritten} has parts. */
export function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !(value instanceof NumberText);
}

/**
 * Reads a document in which numbers stay as they are written.
 *
 * @throws {SyntaxError} when the text is not JSON
 */
export function parseAsWritten(json: string): unknown {
  return JSON.parse(
    json,
    (_key, value: unknown, context?: { readonly source?: string }) =>
      typeof value === "number" ? new NumberText(context?.source ?? String(value)) : value,
  );
}
