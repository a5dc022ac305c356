/**
 * All kinds of authentication. A new one is a file with a `VerifierKind` and a line here.
 *
 * @module
 */

import { authorization } from "./verifiers/authorization.ts";
import { hmac } from "./verifiers/hmac.ts";
import type { VerifierKind } from "./verifier.ts";

/** Every kind that webhooks can ask for, by its configuration key. */
export const verifierKinds: readonly VerifierKind[] = [authorization, hmac];

/**
 * Configuration keys of the Python original that are not built yet. Each keeps someone out, so a webhook
 * that has one must not be served as if it were not there.
 */
export const PLANNED_VERIFIERS: readonly string[] = [
  "basic_auth",
  "jwt",
  "ip_whitelist",
  "header_auth",
  "query_auth",
  "digest_auth",
  "oauth1",
  "oauth2",
  "recaptcha",
];
