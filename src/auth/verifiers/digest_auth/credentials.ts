/**
 * What a sender answers to a challenge of digest authentication: the parameters of the Authorization header (RFC 7616,
 * section 3.4).
 *
 * @module
 */

import { parseAuthParameters } from "../../parsing/auth_parameters.ts";
import { fromHeaderValue } from "../../header_text.ts";
import type { Protection } from "./response.ts";

const DIGEST = /^digest +/i;
const COUNT = /^[0-9a-fA-F]{8}$/;

/** `ext-value` in UTF-8, the only charset that the challenge names (RFC 8187, section 3.2). */
const EXTENDED = /^utf-8'[^']*'((?:[!#$&+.^_`|~0-9A-Za-z-]|%[0-9A-Fa-f]{2})*)$/i;

/** Credentials that are complete. Nothing of them is verified. */
export interface DigestCredentials {
  /** The user's name, or the hash that stands for it. */
  readonly username: string;
  readonly isUsernameHashed: boolean;
  readonly realm: string;
  /** As it stands there; `undefined` where it was left out, which means `MD5`. */
  readonly algorithm: string | undefined;
  readonly uri: string;
  readonly nonce: string;
  readonly nc: string;
  readonly cnonce: string;
  readonly qop: Protection;
  readonly response: string;
}

/** Whether credentials have the scheme `Digest`. */
export function isDigest(credentials: string): boolean {
  return DIGEST.test(credentials);
}

/** `undefined` for credentials that lack something, have something twice, or hold what cannot be. */
export function parseDigestCredentials(credentials: string): DigestCredentials | undefined {
  const list = parseAuthParameters(credentials, DIGEST);
  if (list === undefined) return undefined;
  const parameters = new Map(list.map(([name, value]) => [name.toLowerCase(), value]));
  const user = userIn(parameters);
  const realm = parameters.get("realm");
  const uri = parameters.get("uri");
  const nonce = parameters.get("nonce");
  const nc = parameters.get("nc") ?? "";
  const cnonce = parameters.get("cnonce") ?? "";
  const qop = parameters.get("qop");
  const response = parameters.get("response");
  if (user === undefined || realm === undefined || uri === undefined || nonce === undefined) return undefined;
  if (!COUNT.test(nc) || Number.parseInt(nc, 16) === 0 || cnonce === "") return undefined;
  if ((qop !== "auth" && qop !== "auth-int") || response === undefined) return undefined;
  return { ...user, realm, algorithm: parameters.get("algorithm"), uri, nonce, nc, cnonce, qop, response };
}

/** A name stands in one of two parameters, and a hash only in the one that needs no decoding (section 3.4.4). */
function userIn(
  parameters: ReadonlyMap<string, string>,
): Pick<DigestCredentials, "username" | "isUsernameHashed"> | undefined {
  const plain = parameters.get("username");
  const extended = parameters.get("username*");
  const userhash = parameters.get("userhash") ?? "false";
  if (userhash !== "true" && userhash !== "false") return undefined;
  if (plain !== undefined) {
    if (extended !== undefined) return undefined;
    return { username: fromHeaderValue(plain), isUsernameHashed: userhash === "true" };
  }
  const username = userhash === "true" || extended === undefined ? undefined : decodeExtended(extended);
  return username === undefined ? undefined : { username, isUsernameHashed: false };
}

function decodeExtended(value: string): string | undefined {
  const encoded = EXTENDED.exec(value)?.[1];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    // Escapes of bytes that are no UTF-8.
    if (!(error instanceof URIError)) throw error;
    return undefined;
  }
}
