/**
 * The key that `header_auth` and `query_auth` compare, and how.
 *
 * @module
 */

import type { z } from "zod";
import { booleanField, secretField } from "../../schema/fields.ts";
import { type Secrets, secretsField, secretsMatcher } from "../several_secrets.ts";
import type { Notice } from "../verifier.ts";

/** What both configurations have. */
export interface ApiKeyConfig {
  readonly api_key: Secrets;
  /** @default true */
  readonly case_sensitive: boolean;
}

/** Fields of both schemas. @param pattern what a key must look like to be sent at all, and what to say otherwise */
export function apiKeyFields(
  pattern?: RegExp,
  error?: string,
): { readonly api_key: z.ZodType<Secrets>; readonly case_sensitive: z.ZodType<boolean> } {
  return {
    api_key: secretsField("The key that the sender has to present.", secretField(pattern, error)),
    case_sensitive: booleanField().default(true).meta({
      description: "`false`: upper and lower case are the same, which makes a key easier to guess.",
    }),
  };
}

/** Warns of a comparison that ignores case. */
export function caseNotices({ case_sensitive }: ApiKeyConfig): readonly Notice[] {
  if (case_sensitive) return [];
  return [{
    path: "case_sensitive",
    message:
      "Upper and lower case are the same, which makes the key easier to guess: remove it if senders allow",
  }];
}

/** Prepares the comparison with the key, in a time that does not depend on where texts differ. */
export function apiKeyMatcher({ api_key, case_sensitive }: ApiKeyConfig): (presented: string) => boolean {
  if (case_sensitive) return secretsMatcher(api_key);
  const matches = secretsMatcher(api_key, (key) => key.toLowerCase());
  return (presented) => matches(presented.toLowerCase());
}
