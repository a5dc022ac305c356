/**
 * Environment variables in configuration values: `{$NAME}` and `{$NAME:default}`, anywhere inside a
 * string. A replaced text is not looked at again, so a variable's value cannot bring in another one.
 *
 * @module
 */

import type { ProblemReason } from "./problem.ts";

const REFERENCE = /\{\$([A-Za-z_][A-Za-z0-9_]*)(?::([^}]*))?\}/g;

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The value with all references replaced, and one problem per reference that could not be. */
export interface Substituted {
  readonly value: unknown;
  readonly problems: readonly ProblemReason[];
}

/**
 * Replaces the references in all string values of a parsed JSON value. Parts without references are
 * returned as they are, not copied. Keys are left alone.
 */
export function substitute(value: unknown, environment: Environment): Substituted {
  const problems: ProblemReason[] = [];
  return { value: replaceIn(value, environment, "", problems), problems };
}

function replaceIn(
  value: unknown,
  environment: Environment,
  path: string,
  problems: ProblemReason[],
): unknown {
  if (typeof value === "string") {
    return value.includes("{$") ? replaceInText(value, environment, path, problems) : value;
  }
  if (value === null || typeof value !== "object") return value;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    // Assigning to it would change the copy's prototype; no schema knows this key, so it may stay as it is.
    if (key === "__proto__") continue;
    const child = (value as Record<string, unknown>)[key];
    if (typeof child !== "string" && typeof child !== "object") continue;
    const replaced = replaceIn(child, environment, path === "" ? key : `${path}.${key}`, problems);
    if (replaced === child) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[key] = replaced;
  }
  return copy ?? value;
}

function replaceInText(
  text: string,
  environment: Environment,
  path: string,
  problems: ProblemReason[],
): string {
  return text.replace(REFERENCE, (reference, name: string, fallback: string | undefined) => {
    const replacement = environment[name] ?? fallback;
    if (replacement !== undefined) return replacement;
    problems.push({
      code: "missing_variable",
      path,
      message:
        `Environment variable ${name} is not set and has no default: write {$${name}:default} or set it`,
    });
    return reference;
  });
}
