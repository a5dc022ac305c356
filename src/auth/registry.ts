/**
 * All kinds of authentication. A new one is a file with a `VerifierKind` and a line here.
 *
 * @module
 */

import { signature } from "./signature/signature.ts";
import { authorization } from "./verifiers/authorization.ts";
import { basicAuth } from "./verifiers/basic_auth.ts";
import { clientCertificate } from "./verifiers/client_certificate.ts";
import { digestAuth } from "./verifiers/digest_auth/digest_auth.ts";
import { headerAuth } from "./verifiers/header_auth.ts";
import { hmac } from "./verifiers/hmac.ts";
import { ipWhitelist } from "./verifiers/ip_whitelist.ts";
import { jwt } from "./verifiers/jwt.ts";
import { oauth1 } from "./verifiers/oauth1/oauth1.ts";
import { oauth2 } from "./verifiers/oauth2.ts";
import { queryAuth } from "./verifiers/query_auth.ts";
import { recaptcha } from "./verifiers/recaptcha/recaptcha.ts";
import type { VerifierKind } from "./verifier.ts";

/**
 * Every kind that webhooks can ask for, by its configuration key. The first one that refuses decides the answer: those
 * that ask others come last, so that nobody is asked about a request whose head is refused anyway.
 */
export const verifierKinds: readonly VerifierKind[] = [
  ipWhitelist,
  clientCertificate,
  authorization,
  basicAuth,
  digestAuth,
  headerAuth,
  queryAuth,
  jwt,
  hmac,
  oauth1,
  signature,
  oauth2,
  recaptcha,
];
