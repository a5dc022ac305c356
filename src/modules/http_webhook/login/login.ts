/**
 * `auth` of `module-config`: how the gateway says who it is to a destination that wants to know.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { reportAt, secretField } from "../../../schema/fields.ts";
import { clientCertificateSchema } from "./own_tls.ts";
import {
  compileTokenClient,
  type DestinationParser,
  oauth2Schema,
  type TokenClient,
} from "./token_client.ts";

/** The header that `auth` sets. */
export const LOGIN_HEADER = "authorization";

/** A compiled `auth`. */
export interface Login {
  /** The value of {@linkcode LOGIN_HEADER}; `undefined` where it is not always the same, or there is none. */
  readonly authorization: string | undefined;
  /** Who asks for tokens, which then are what stands in the header. */
  readonly tokens: TokenClient | undefined;
}

/** What a header can carry, without white space. */
const VISIBLE = /^[\x21-\x7e]*$/;

/** Name and password are parted by the first colon (RFC 7617, section 2). */
const WITHOUT_COLON = /^[^:\p{Cc}]+$/u;

const bearerSchema = z.preprocess(
  (given) => typeof given === "string" ? { token: given } : given,
  z.strictObject({
    token: secretField(VISIBLE, "Contains white space or a character that a header cannot carry"),
  }),
).meta({ shortForm: { type: "string" } });

const basicSchema = z.strictObject({
  username: z.string().regex(WITHOUT_COLON, {
    error: "Must not be empty, and have no colon or control character",
  }),
  password: secretField(/^\P{Cc}*$/u, "Contains a control character"),
});

/** `auth` of `module-config`. {@linkcode compileLogin} judges what it names. */
export const authSchema = z.strictObject({
  bearer: bearerSchema.optional(),
  basic: basicSchema.optional(),
  oauth2: oauth2Schema.optional(),
  client_certificate: clientCertificateSchema.optional(),
});

/** The value of `auth`. */
export type Auth = z.output<typeof authSchema>;

/** What stands in {@linkcode LOGIN_HEADER}, besides tokens; `undefined` where nothing does. */
function authorizationOf({ bearer, basic }: Auth): string | undefined {
  if (bearer !== undefined) return `Bearer ${bearer.token}`;
  if (basic === undefined) return undefined;
  return `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString("base64")}`;
}

/** Whether `auth` sets {@linkcode LOGIN_HEADER}. */
export function setsHeader({ bearer, basic, oauth2 }: Auth): boolean {
  return (bearer ?? basic ?? oauth2) !== undefined;
}

/**
 * What `auth` makes of a request, but for the certificate; `undefined` where problems were reported.
 *
 * @param tokenServer the server of tokens behind an address; `undefined` where a problem was reported
 */
export function compileLogin(
  auth: Auth,
  tokenServer: DestinationParser,
  issues: z.RefinementCtx,
): Login | undefined {
  const { bearer, basic, oauth2, client_certificate } = auth;
  const ways = [bearer, basic, oauth2].filter((way) => way !== undefined).length;
  if (ways > 1 || (ways === 0 && client_certificate === undefined)) {
    reportAt(
      issues,
      "auth",
      "Must hold one of bearer, basic and oauth2, or client_certificate, or it beside one",
    );
    return undefined;
  }
  const tokens = oauth2 === undefined ? undefined : compileTokenClient(oauth2, tokenServer, issues);
  if (oauth2 !== undefined && tokens === undefined) return undefined;
  return { authorization: authorizationOf(auth), tokens };
}
