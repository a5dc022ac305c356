import { OUTER_WHITE_SPACE, secretField } from "../../schema/fields.ts";
import { secretMatcher } from "../crypto/constant_time.ts";
import { asHeaderValue } from "./header_text.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import type { HeadVerifier, Refusal, VerifierKind } from "../verifier.ts";

const SCHEME_ALONE = /^(basic|bearer)$/i;

/** One space stands between a scheme and its credentials (RFC 9110, section 11.4). */
const SPACE_BEFORE_CREDENTIALS = /^\S+ \s/;

const configSchema = secretField()
  .refine((value) => !SCHEME_ALONE.test(value), { error: "Must hold credentials after the scheme" })
  .refine((value) => !SPACE_BEFORE_CREDENTIALS.test(value), {
    error: `The part after the scheme: ${OUTER_WHITE_SPACE}`,
  })
  .meta({ description: "The exact value that the `Authorization` header must have." });

/** `authorization`: the Authorization header has one exact value. */
export const authorization: VerifierKind<string> = {
  key: "authorization",
  configSchema,
  example: "Bearer {$ORDERS_TOKEN}",
  notes: [
    "Scheme and value are compared exactly. A refusal is 401, and names the scheme in `WWW-Authenticate` where it",
    "is `Bearer` or `Basic`.",
  ],
  compile: (expected) => lazyVerifier("head", verifierOf, expected),
};

function verifierOf(expected: string): HeadVerifier {
  const matches = secretMatcher(asHeaderValue(expected));
  const missing = refusal("The Authorization header is missing", expected);
  const wrong = refusal("The Authorization header does not have the configured value", expected);
  return {
    reads: "head",
    verify({ headers }) {
      const presented = headers.get("authorization");
      if (presented === null) return missing;
      return matches(presented) ? undefined : wrong;
    },
  };
}

function refusal(reason: string, expected: string): Refusal {
  const challenge = challengeFor(expected);
  return { code: "unauthorized", reason, ...(challenge === undefined ? {} : { challenge }) };
}

/** Schemes other than these two have no challenge that could be given without knowing more about them. */
function challengeFor(expected: string): string | undefined {
  if (/^bearer /i.test(expected)) return "Bearer";
  return /^basic /i.test(expected) ? 'Basic realm="webhook"' : undefined;
}
