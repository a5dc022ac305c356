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
  const valueOf = (name: string) => parameters.find(([each]) => each === name)?.[1];
  const consumerKey = valueOf("oauth_consumer_key");
  const signatureMethod = valueOf("oauth_signature_method");
  const signature = valueOf("oauth_signature");
  const timestamp = valueOf("oauth_timestamp");
  if (consumerKey === undefined || signatureMethod === undefined || signature === undefined) return undefined;
  if (timestamp !== undefined && !TIMESTAMP.test(timestamp)) return undefined;
  if ((valueOf("oauth_version") ?? "1.0") !== "1.0") return undefined;
  return {
    consumerKey,
    token: valueOf("oauth_token"),
    signatureMethod,
    signature,
    timestamp: timestamp === undefined ? undefined : Number(timestamp),
    nonce: valueOf("oauth_nonce"),
    bodyHash: valueOf("oauth_body_hash"),
    signed: parameters.filter(([name]) => name !== "oauth_signature"),
  };
}

/** Without the realm, which is none of the parameters of the protocol. */
function decodedParameters(credentials: string): readonly Parameter[] | undefined {
  const decoded: Parameter[] = [];
  for (const [encodedName, encodedValue] of parseAuthParameters(credentials, OAUTH) ?? [["", ""]]) {
    if (encodedName.toLowerCase() === "realm") continue;
    const name = percentDecode(encodedName);
    const value = percentDecode(encodedValue);
    if (name === undefined || name === "" || value === undefined) return undefined;
    if (decoded.some(([other]) => other === name)) return undefined;
    decoded.push([name, value]);
  }
  return decoded;
}
