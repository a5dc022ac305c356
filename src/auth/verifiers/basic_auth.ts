/**
 * The name and password of one user in the Authorization header (RFC 7617).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { secretField } from "../../schema/fields.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import { type Secrets, secretsField, secretsMatcher } from "../several_secrets.ts";
import type { HeadVerifier, Refusal, VerifierKind } from "../verifier.ts";
import { mismatch } from "../refusal.ts";

/** The compiled value of the key `basic_auth`. */
export interface BasicAuthConfig {
  readonly username: string;
  readonly password: Secrets;
}

/** A user name ends at the first colon; control characters are not allowed (RFC 7617, section 2). */
const USERNAME = /^[^:\p{Cc}]*$/u;
const PASSWORD = /^[^\p{Cc}]*$/u;

const configSchema: z.ZodType<BasicAuthConfig> = z.strictObject({
  username: secretField(USERNAME, "Must not hold ':' or control characters (RFC 7617, section 2)").meta({
    description: "The user's name, without `:`.",
  }),
  password: secretsField(
    "The user's password.",
    secretField(PASSWORD, "Must not hold control characters (RFC 7617, section 2)"),
  ),
}).meta({ description: "A user's name and password in the `Authorization` header (RFC 7617)." });

/** `basic_auth`: the Authorization header has the name and password of one user. */
export const basicAuth: VerifierKind<BasicAuthConfig> = {
  key: "basic_auth",
  configSchema,
  example: { username: "shop", password: "{$SHOP_PASSWORD}" },
  notes: [
    "Both are compared as UTF-8, in a time that does not depend on where they differ. A refusal is 401 with a",
    "`Basic` challenge that names UTF-8. Senders that write other than ASCII in Latin-1, as Python's `requests`",
    "does for texts, are refused: give them bytes.",
  ],
  compile: (config) => lazyVerifier("head", verifierOf, config),
};

/** The scheme in any case, and the credentials behind one space or more (RFC 9110, section 11.4). */
const BASIC = /^basic +/i;

const CHALLENGE = 'Basic realm="webhook", charset="UTF-8"';

const MISSING = refusal("The Authorization header is missing");
const OTHER_SCHEME = refusal("The Authorization header does not have the scheme Basic");
const WRONG = mismatch(
  refusal("The Authorization header does not have the configured user name and password"),
);

function verifierOf({ username, password }: BasicAuthConfig): HeadVerifier {
  // Compared as it is written: two texts are equal in one way only, while many decode to the same bytes.
  const matches = secretsMatcher(password, (text) => Buffer.from(`${username}:${text}`).toString("base64"));
  return {
    reads: "head",
    verify({ headers }) {
      const presented = headers.get("authorization");
      if (presented === null || presented === "") return MISSING;
      const scheme = BASIC.exec(presented);
      if (scheme === null) return OTHER_SCHEME;
      return matches(presented.slice(scheme[0].length)) ? undefined : WRONG;
    },
  };
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason, challenge: CHALLENGE };
}
