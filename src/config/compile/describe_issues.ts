/**
 * What schemas say of values, as reasons of problems.
 *
 * @module
 */

import type { z } from "zod";
import { knownKeys } from "../../schema/known_keys.ts";
import { nearestHint, quotedName } from "../../schema/nearest_name.ts";
import type { ProblemReason } from "../problem.ts";

/** Reasons that are described: an entry may have hundreds of thousands of wrong elements and of unknown keys. */
const MOST_REASONS = 50;

/** How much of an unknown key a problem's path shows, in characters. */
const MOST_KEY_CHARACTERS = 100;

/**
 * How values are parsed: of one that is not there at all, it is said that it is required, unless its schema says more.
 */
export const PARSE_OPTIONS = {
  error: ({ code, input }: { readonly code?: string; readonly input: unknown }) =>
    input === undefined && code !== "custom" ? "Is required" : undefined,
} as const;

/** One reason per issue, up to 50; unknown keys with the nearest known one. Values are never shown. */
export function describeIssues(error: z.ZodError, schema: z.ZodType, prefix = ""): ProblemReason[] {
  const reasons = error.issues.slice(0, MOST_REASONS).flatMap((issue): ProblemReason[] => {
    const path = [...(prefix === "" ? [] : [prefix]), ...issue.path.map(String)];
    if (issue.code !== "unrecognized_keys") {
      return [{ code: "schema", path: path.join("."), message: issue.message }];
    }
    const known = knownKeys(schema, issue.path);
    return issue.keys.slice(0, MOST_REASONS).map((key) => ({
      code: "schema",
      path: [...path, key.slice(0, MOST_KEY_CHARACTERS)].join("."),
      message: `Key ${quotedName(key)} is not known${nearestHint(key, known) || " here"}`,
    }));
  });
  return reasons.slice(0, MOST_REASONS);
}
