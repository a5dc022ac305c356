/**
 * `auth` of `module-config`: how the gateway says who it is to a destination that wants to know.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import type { DestinationPolicy } from "../../../io/destination_policy.ts";
import { reportAt, secretField } from "../../../schema/fields.ts";
import { compileTokenClient, oauth2Schema, type TokenClient } from "./token_client.ts";

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
);

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
});

type Auth = z.output<typeof authSchema>;

/**
 * What `auth` makes of a request; `undefined` where problems were reported.
 *
 * @param policy of the webhook: servers of tokens are asked only where it permits them
 */
export function compileLogin(
  auth: Auth,
  policy: DestinationPolicy,
  issues: z.RefinementCtx,
): Login | undefined {
  const { bearer, basic, oauth2 } = auth;
  if ([bearer, basic, oauth2].filter((way) => way !== undefined).length !== 1) {
    reportAt(issues, "auth", "Must hold one of bearer, basic and oauth2");
    return undefined;
  }
  if (bearer !== undefined) return { authorization: `Bearer ${bearer.token}`, tokens: undefined };
  if (basic !== undefined) {
    const pair = Buffer.from(`${basic.username}:${basic.password}`).toString("base64");
    return { authorization: `Basic ${pair}`, tokens: undefined };
  }
  const tokens = compileTokenClient(oauth2!, policy, issues);
  return tokens === undefined ? undefined : { authorization: undefined, tokens };
}
