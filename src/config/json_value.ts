import type { ProblemReason } from "./problem.ts";

/**
 * Deepest nesting of a configuration value. Deeper ones would overflow the stack of the code that walks
 * them, and nobody writes them on purpose.
 */
const MAX_DEPTH = 64;

/** Parses the JSON text of one configuration value, which must be an object. */
export function parseConfigValue(text: string): { json: unknown } | { problem: ProblemReason } {
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
  return checkConfigValue(json);
}

/** Checks that a parsed value is an object of sane depth. */
export function checkConfigValue(json: unknown): { json: unknown } | { problem: ProblemReason } {
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    return { problem: { code: "not_an_object", path: "", message: "The value must be a JSON object" } };
  }
  if (isDeeperThan(json, MAX_DEPTH)) {
    const message = `The value must not be nested deeper than ${MAX_DEPTH} levels`;
    return { problem: { code: "too_deep", path: "", message } };
  }
  return { json };
}

function isDeeperThan(value: object, levels: number): boolean {
  if (levels === 0) return true;
  for (const key in value) {
    const child = (value as Record<string, unknown>)[key];
    if (typeof child === "object" && child !== null && isDeeperThan(child, levels - 1)) return true;
  }
  return false;
}
