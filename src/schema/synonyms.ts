/**
 * Keys of a configuration that mean the same, since files are written with several products in mind.
 *
 * @module
 */

import type { z } from "zod";
import { reportAt } from "./fields.ts";

/**
 * The value of whichever of two keys is given. Two that differ are reported. `null` is as good as left out.
 *
 * @param key what the pages call it
 * @param synonym the other name, which is optional in the schema as well
 */
export function eitherOf<Input extends object, Key extends keyof Input, Synonym extends keyof Input & string>(
  input: Input,
  key: Key & string,
  synonym: Synonym,
  issues: z.RefinementCtx,
): NonNullable<Input[Key] | Input[Synonym]> | undefined {
  const [value, other] = [input[key] ?? undefined, input[synonym] ?? undefined];
  if (value !== undefined && other !== undefined && !Object.is(value, other)) {
    reportAt(issues, synonym, `Means the same as ${key}: give one of them`);
  }
  return value ?? other;
}
