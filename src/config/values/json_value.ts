/**
 * The JSON text of one configuration value, parsed and checked.
 *
 * @module
 */

import { countStrings, forEachDuplicateKey, type JsonPath } from "../../json/text.ts";
import type { ProblemReason } from "../problem.ts";
import { isInRemark } from "./remarks.ts";

/**
 * Deepest nesting of a configuration value. Deeper ones would overflow the stack of the code that walks
 * them, and nobody writes them on purpose.
 */
const MAX_DEPTH = 64;

/**
 * Largest configuration value, in bytes of its text, or characters where it is text already: several times what etcd
 * takes unless it was started with another limit (1.5 MiB). To parse, check and compile a larger one would hold up
 * requests.
 */
export const MAX_VALUE_BYTES = 10 * 1024 * 1024;

/** A configuration value, or why it cannot be used. */
export type ParsedValue = { readonly json: unknown } | { readonly problem: ProblemReason };

/**
 * Parses the JSON text of one configuration value: an object of sane depth, in which no key but that of a remark
 * stands more than once.
 */
export function parseConfigValue(text: string): ParsedValue {
  if (text.length > MAX_VALUE_BYTES) return { problem: tooLarge(text.length) };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // V8 quotes the text around the error, which may hold a secret: only the position is passed on.
    const position = error instanceof SyntaxError
      ? /position \d+( \(line \d+ column \d+\))?/.exec(error.message)?.[0]
      : undefined;
    const message = `The value is not valid JSON${position === undefined ? "" : `: error at ${position}`}`;
    return { problem: { code: "invalid_json", path: "", message } };
  }
  return checkConfigValue(text, json);
}

/**
 * Checks a value that was parsed already as {@linkcode parseConfigValue} does.
 *
 * @param json what the text was parsed to
 */
export function checkConfigValue(text: string, json: unknown): ParsedValue {
  const checked = check(json);
  if ("problem" in checked) return checked;
  const path = checked.strings === countStrings(text) ? undefined : findDuplicateKey(text);
  return path === undefined ? { json } : { problem: duplicateKey(path) };
}

function check(json: unknown): { readonly strings: number } | { readonly problem: ProblemReason } {
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    return { problem: { code: "not_an_object", path: "", message: "The value must be a JSON object" } };
  }
  const strings = stringsIn(json, MAX_DEPTH);
  if (strings === undefined) {
    const message = `The value must not be nested deeper than ${MAX_DEPTH} levels`;
    return { problem: { code: "too_deep", path: "", message } };
  }
  return { strings };
}

/** The problem of a value that is too large. @param length of its text */
export function tooLarge(length: number): ProblemReason {
  const message = `The value has ${length} bytes, more than ${MAX_VALUE_BYTES / 1024 / 1024} MiB`;
  return { code: "too_large", path: "", message };
}

/**
 * The problem of a key that stands more than once: any of its values may be meant, and the last one may be the
 * least strict.
 *
 * @param path where in the value; empty for the name of the value itself
 */
export function duplicateKey(path: JsonPath): ProblemReason {
  return {
    code: "invalid_json",
    // No value is nested any deeper.
    path: path.slice(0, MAX_DEPTH).join("."),
    message: "The key stands more than once: keep one of them",
  };
}

function findDuplicateKey(text: string): JsonPath | undefined {
  let found: JsonPath | undefined;
  forEachDuplicateKey(text, (path) => {
    if (found === undefined && !isInRemark(path, 0)) found = [...path];
  });
  return found;
}

/** How many strings a value has, keys among them; `undefined` when it is nested deeper than that many levels. */
function stringsIn(value: object, levels: number): number | undefined {
  if (levels === 0) return undefined;
  let count = 0;
  const isArray = Array.isArray(value);
  for (const key in value) {
    const child = (value as Record<string, unknown>)[key];
    if (!isArray) count++;
    if (typeof child === "string") count++;
    else if (typeof child === "object" && child !== null) {
      const inside = stringsIn(child, levels - 1);
      if (inside === undefined) return undefined;
      count += inside;
    }
  }
  return count;
}
