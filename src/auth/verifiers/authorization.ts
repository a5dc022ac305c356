import { OUTER_WHITE_SPACE, secretField } from "../../schema/fields.ts";
import { asHeaderValue } from "../header_text.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import { type Secrets, secretsField, secretsMatcher, SeveralSecrets } from "../several_secrets.ts";
import type { HeadVerifier, Refusal, VerifierKind } from "../verifier.ts";
import { mismatch } from "../refusal.ts";

const SCHEME_ALONE = /^(basic|bearer)$/i;

/** One space stands between a scheme and its credentials (RFC 9110, section 11.4). */
const SPACE_BEFORE_CREDENTIALS = /^\S+ \s/;

const value = secretField()
  .refine((value) => !SCHEME_ALONE.test(value), { error: "Must hold credentials after the scheme" })
  .refine((value) => !SPACE_BEFORE_CREDENTIALS.test(value), {
    error: `The part after the scheme: ${OUTER_WHITE_SPACE}`,
  });

/** `authorization`: the Authorization header has an exact value. */
export const authorization: VerifierKind<Secrets> = {
  key: "authorization",
  configSchema: secretsField("The exact value that the `Authorization` header must have.", value),
  example: "Bearer {$ORDERS_TOKEN}",
  notes: [
    "Scheme and value are compared exactly. A refusal is 401, and names the scheme in `WWW-Authenticate` where it",
    "is `Bearer` or `Basic`.",
  ],
  compile: (expected) => lazyVerifier("head", verifierOf, expected),
};

function verifierOf(expected: Secrets): HeadVerifier {
  const matches = secretsMatcher(expected, asHeaderValue);
  const missing = refusal("The Authorization header is missing", expected);
  const wrong = mismatch(refusal("The Authorization header does not have the configured value", expected));
  return {
    reads: "head",
    verify({ headers }) {
      const presented = headers.get("authorization");
      if (presented === null) return missing;
      return matches(presented) ? undefined : wrong;
    },
  };
}

function refusal(reason: string, expected: Secrets): Refusal {
  const values = expected instanceof SeveralSecrets ? expected.map(challengeFor) : [challengeFor(expected)];
  const challenges = new Set(values.filter((challenge) => challenge !== undefined));
  return {
    code: "unauthorized",
    reason,
    ...(challenges.size === 0 ? {} : { challenge: [...challenges].join(", ") }),
  };
}

/** Schemes other than these two have no challenge that could be given without knowing more about them. */
function challengeFor(expected: string): string | undefined {
  if (/^bearer /i.test(expected)) return "Bearer";
  return /^basic /i.test(expected) ? 'Basic realm="webhook"' : undefined;
}
