/**
 * The Authorization header of OAuth 1.0 (RFC 5849, section 3.5.1).
 *
 * @module
 */

import { parseAuthParameters } from "../../parsing/auth_parameters.ts";
import { type Parameter, percentDecode } from "../../parsing/form_body.ts";

const OAUTH = /^oauth +/i;

/** Seconds since 1970, without a sign and leading zeros: one time is written in one way. */
const TIMESTAMP = /^(0|[1-9]\d{0,10})$/;

/** What a request says of itself. Nothing of it is verified. */
export interface OAuth1Credentials {
  readonly consumerKey: string;
  readonly token: string | undefined;
  readonly signatureMethod: string;
  readonly signature: string;
  /** In seconds; `undefined` where it was left out, as a nonce may be. */
  readonly timestamp: number | undefined;
  readonly nonce: string | undefined;
  readonly bodyHash: string | undefined;
  /** All parameters that are signed: the realm and the signature are not. */
  readonly signed: readonly Parameter[];
}

/** Whether credentials have the scheme `OAuth`. */
export function isOAuth(credentials: string): boolean {
  return OAUTH.test(credentials);
}

/** `undefined` for credentials that lack something, have something twice, or hold what cannot be. */
export function parseOAuth1Credentials(credentials: string): OAuth1Credentials | undefined {
  const parameters = decodedParameters(credentials);
  if (parameters === undefined) return undefined;
  const consumerKey = parameters.get("oauth_consumer_key");
  const signatureMethod = parameters.get("oauth_signature_method");
  const signature = parameters.get("oauth_signature");
  const timestamp = parameters.get("oauth_timestamp");
  if (consumerKey === undefined || signatureMethod === undefined || signature === undefined) return undefined;
  if (timestamp !== undefined && !TIMESTAMP.test(timestamp)) return undefined;
  if ((parameters.get("oauth_version") ?? "1.0") !== "1.0") return undefined;
  return {
    consumerKey,
    token: parameters.get("oauth_token"),
    signatureMethod,
    signature,
    timestamp: timestamp === undefined ? undefined : Number(timestamp),
    nonce: parameters.get("oauth_nonce"),
    bodyHash: parameters.get("oauth_body_hash"),
    signed: [...parameters].filter(([name]) => name !== "oauth_signature"),
  };
}

/** Without the realm, which is none of the parameters of the protocol. */
function decodedParameters(credentials: string): ReadonlyMap<string, string> | undefined {
  const decoded = new Map<string, string>();
  for (const [encodedName, encodedValue] of parseAuthParameters(credentials, OAUTH) ?? [["", ""]]) {
    if (encodedName.toLowerCase() === "realm") continue;
    const name = percentDecode(encodedName);
    const value = percentDecode(encodedValue);
    if (name === undefined || name === "" || value === undefined || decoded.has(name)) return undefined;
    decoded.set(name, value);
  }
  return decoded;
}
