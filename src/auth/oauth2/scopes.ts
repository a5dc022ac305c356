/**
 * Scopes of access tokens (RFC 6749, section 3.3): a text with spaces between them, or a list.
 *
 * @module
 */

import { z } from "zod";
import type { Claims } from "../jose/token.ts";

/** `scope-token`. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

function split(text: string): readonly string[] {
  return text.split(" ").filter((scope) => scope !== "");
}

/** The key `required_scope`: a list, or a text as in tokens. */
export function scopesField(): z.ZodType<readonly string[]> {
  const scope = z.string().regex(SCOPE, { error: "Not a scope" });
  return z.preprocess((given) => typeof given === "string" ? split(given) : given, z.array(scope).max(100))
    .meta({ shortForm: { type: "string" } })
    .transform((scopes): readonly string[] => [...new Set(scopes)]);
}

/** Those of the required scopes that a token does not have, by `scope` or, as some issuers name it, `scp`. */
export function missingScopes({ scope, scp }: Claims, required: readonly string[]): readonly string[] {
  if (required.length === 0) return required;
  const granted = new Set([...listOf(scope), ...listOf(scp)]);
  return required.filter((each) => !granted.has(each));
}

function listOf(value: unknown): readonly unknown[] {
  if (typeof value === "string") return split(value);
  return Array.isArray(value) ? value : [];
}
