import type { z } from "zod";
import { knownKeys } from "../../schema/known_keys.ts";
import { nearestHint, quotedName } from "../../schema/nearest_name.ts";
import type { ProblemReason } from "../problem.ts";

/** Reasons that are described: an entry may have hundreds of thousands of wrong elements and of unknown keys. */
const MOST_REASONS = 50;

/** How much of an unknown key a problem's path shows, in characters. */
const MOST_KEY_CHARACTERS = 100;

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
