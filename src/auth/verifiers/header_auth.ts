/**
 * A key in a header of the sender's choice.
 *
 * @module
 */

import { z } from "zod";
import { headerNameField } from "../../schema/header_names.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import { secretsMatcher } from "../several_secrets.ts";
import type { HeadVerifier, Refusal, VerifierKind } from "../verifier.ts";
import { type ApiKeyConfig, apiKeyFields, apiKeyMatcher, caseNotices } from "./api_key.ts";
import { missingHeader } from "../parsing/header_name.ts";
import { asHeaderValue, fromHeaderValue } from "../header_text.ts";

/** The compiled value of the key `header_auth`. */
export interface HeaderAuthConfig extends ApiKeyConfig {
  /** @default "X-API-Key" */
  readonly header_name: string;
}

/** What the value of a header should hold (RFC 9110, section 5.5). */
const SENDABLE = /^[^\p{Cc}]*$/u;

const configSchema: z.ZodType<HeaderAuthConfig> = z.strictObject({
  header_name: headerNameField().default("X-API-Key").meta({
    description: "The header that holds the key, in any case.",
  }),
  ...apiKeyFields(SENDABLE, "Must not hold control characters, which headers do not carry"),
}).meta({ description: "A key in a header of the sender's choice." });

/** `header_auth`: a header holds an exact key. */
export const headerAuth: VerifierKind<HeaderAuthConfig> = {
  key: "header_auth",
  configSchema,
  example: { header_name: "X-API-Key", api_key: "{$SHOP_KEY}" },
  notes: [
    "A header that is sent twice is refused. The Python service ignores case unless configured otherwise; here that has",
    "to be written, and is a warning.",
  ],
  notices: caseNotices,
  compile: (config) => lazyVerifier("head", verifierOf, config),
};

function verifierOf(config: HeaderAuthConfig): HeadVerifier {
  const { header_name: name } = config;
  const matches = headerMatcher(config);
  const missing = missingHeader(name);
  const wrong: Refusal = {
    code: "unauthorized",
    isMismatch: true,
    reason: `The header '${name}' does not have the configured key`,
  };
  return {
    reads: "head",
    verify({ headers }) {
      const presented = headers.get(name);
      if (presented === null || presented === "") return missing;
      return matches(presented) ? undefined : wrong;
    },
  };
}

/** Exact keys are compared as `Headers` shows them: only where case is ignored must the text be known. */
function headerMatcher(config: HeaderAuthConfig): (presented: string) => boolean {
  if (config.case_sensitive) return secretsMatcher(config.api_key, asHeaderValue);
  const matches = apiKeyMatcher(config);
  return (presented) => matches(fromHeaderValue(presented));
}
