/**
 * What a webhook asks of its requests beside their authentication: each rule is a key, a file of its own, and a line
 * here.
 *
 * @module
 */

import type { z } from "zod";
import type { RateLimit } from "../time/rate.ts";
import { compileRateLimit, rateLimitSchema } from "./rate_limit.ts";

/** The keys of a webhook that hold its rules. */
export const ruleFields = {
  rate_limit: rateLimitSchema.optional().meta({
    description: "How many requests are taken in a time, see [rules](../rules/README.md).",
  }),
};

type RuleConfig = {
  readonly [Key in keyof typeof ruleFields]?: z.output<typeof ruleFields[Key]> | undefined;
};

/** The rules of one webhook, ready for its requests. Immutable. */
export interface RequestRules {
  readonly rateLimit: RateLimit | undefined;
}

/** Compiles the rules of a webhook; `undefined` where it has none, as most do. */
export function compileRules({ rate_limit: rateLimit }: RuleConfig): RequestRules | undefined {
  const limit = rateLimit === undefined ? undefined : compileRateLimit(rateLimit);
  return limit === undefined ? undefined : { rateLimit: limit };
}
