/**
 * How two texts of one webhook or connection differ, as people see it: values by their paths, without secrets.
 *
 * @module
 */

import { isContainer, NumberText, parseAsWritten } from "../../json/difference.ts";

/** One place at which two values differ. */
export interface Difference {
  /** Empty for the value as a whole. */
  readonly path: string;
  /** What stood there, as JSON without secrets; `undefined` for nothing. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Takes secrets out of a value. */
export type Mask = (value: unknown) => unknown;

/**
 * @param before valid JSON, or `undefined` for nothing
 * @param after valid JSON, or `undefined` for nothing
 * @returns none where only the layout differs, or nothing
 */
export function showDifferences(
  before: string | undefined,
  after: string | undefined,
  mask: Mask,
): Difference[] {
  return [...differences(sideOf(before, mask), sideOf(after, mask), "")];
}

/** A value, and the same without its secrets. */
interface Side {
  readonly exact: unknown;
  readonly shown: unknown;
}

function sideOf(text: string | undefined, mask: Mask): Side | undefined {
  if (text === undefined) return undefined;
  try {
    return { exact: parseAsWritten(text), shown: mask(JSON.parse(text)) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // What is no JSON may hold anything, and may be a secret as a whole.
    return { exact: text, shown: "(not valid JSON)" };
  }
}

function* differences(left: Side | undefined, right: Side | undefined, path: string): Generator<Difference> {
  if (left !== undefined && right !== undefined) {
    if (isSame(left.exact, right.exact)) return;
    if (isContainer(left.exact) && isContainer(right.exact)) {
      if (Array.isArray(left.exact) === Array.isArray(right.exact)) {
        for (const key of new Set([...Object.keys(left.exact), ...Object.keys(right.exact)])) {
          const inside = path === "" ? key : `${path}.${key}`;
          yield* differences(childOf(left, key), childOf(right, key), inside);
        }
        return;
      }
    }
  }
  if (left !== undefined || right !== undefined) yield { path, before: textOf(left), after: textOf(right) };
}

function childOf({ exact, shown }: Side, key: string): Side | undefined {
  if (!isContainer(exact) || !Object.hasOwn(exact, key)) return undefined;
  return { exact: exact[key], shown: isContainer(shown) ? shown[key] : shown };
}

function textOf(side: Side | undefined): string | undefined {
  if (side === undefined) return undefined;
  // Of a number every digit is shown, unless it stands for a secret.
  if (side.exact instanceof NumberText && typeof side.shown === "number") return side.exact.text;
  return JSON.stringify(side.shown);
}

function isSame(left: unknown, right: unknown): boolean {
  if (left instanceof NumberText && right instanceof NumberText) return left.text === right.text;
  return left === right;
}
