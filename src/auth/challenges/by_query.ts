/**
 * Questions in the query of a request without a signature. Anybody can ask them, so what is signed in an answer is
 * bounded to texts that can never be an event.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { secretMatcher } from "../crypto/constant_time.ts";
import { HmacDigest } from "../crypto/hmac_digest.ts";
import type { RequestToVerify } from "../verifier.ts";
import { jsonAnswer, noChallenge, repeated, textAnswer } from "./answers.ts";
import type { HeadQuestion, ProviderQuestions } from "./questions.ts";

/** What X has signed: no character of it can begin a JSON object, which every event of X is. */
const CRC_TOKEN = /^[A-Za-z0-9+/=_-]{1,256}$/;

/** What Braintree's library has signed (braintree 3.40.0); no payload may look like it. */
export const BRAINTREE_CHALLENGE = /^[a-f0-9]{20,32}$/;

/** What eBay has hashed. */
const EBAY_CODE = /^[A-Za-z0-9_-]{1,256}$/;

/** What eBay takes as a verification token. */
const EBAY_TOKEN = /^[A-Za-z0-9_-]{32,80}$/;

/** Meta repeats the token that its app was given, and wants its number back. */
export const metaQuestions: ProviderQuestions = {
  description: "A GET with `hub.mode=subscribe` and the webhook's `verify_token` gets its `hub.challenge` " +
    "back; another token 403. Without `verify_token` it gets 405.",
  takesToken: true,
  prepare: ({ verifyToken }) => {
    if (verifyToken === undefined) return {};
    const isExpected = secretMatcher(verifyToken);
    return {
      head: {
        isAsked: (request) => isGetWith(request, "hub.challenge") || isGetWith(request, "hub.mode"),
        answer: (request) => {
          const isRight = isExpected(parameter(request, "hub.verify_token") ?? "");
          if (parameter(request, "hub.mode") !== "subscribe") {
            return noChallenge("hub.mode is not 'subscribe'");
          }
          if (!isRight) {
            return { code: "forbidden", reason: "hub.verify_token is not the webhook's verify_token" };
          }
          return repeated(parameter(request, "hub.challenge"));
        },
      },
    };
  },
};

/** Dropbox and Nylas want the text back. */
export const echoQuestions: ProviderQuestions = {
  description: "A GET with `challenge` gets it back.",
  prepare: () => ({ head: echoOf("GET", "challenge") }),
};

/** Microsoft Graph wants the text back, by POST. */
export const graphQuestions: ProviderQuestions = {
  description: "A POST with `validationToken` in the query gets it back.",
  prepare: () => ({ head: echoOf("POST", "validationToken") }),
};

function echoOf(method: string, name: string): HeadQuestion {
  return {
    isAsked: (request) => request.method === method && parameter(request, name) !== undefined,
    answer: (request) => repeated(parameter(request, name)),
  };
}

/** X has a text signed with the secret that its events are signed with, by the same algorithm. */
export const xQuestions: ProviderQuestions = {
  description: "A GET with `crc_token` gets it signed. It may have 256 letters, digits and `+/=_-`; what " +
    "consists of nothing else is refused as the body of an event, so that no answer is an event's signature.",
  prepare: ({ secrets: [secret = ""] }) => {
    const digest = new HmacDigest("sha256", encoder.encode(secret));
    return {
      head: {
        isAsked: (request) => isGetWith(request, "crc_token"),
        answer: (request) => {
          const token = parameter(request, "crc_token") ?? "";
          if (!CRC_TOKEN.test(token)) return noChallenge("crc_token has not the form that X gives it");
          return jsonAnswer({ response_token: `sha256=${digest.base64(encoder.encode(token))}` });
        },
      },
      inBody: (_request, body) =>
        CRC_TOKEN.test(decoder.decode(body.subarray(0, 257)))
          ? { code: "unauthorized", reason: "The body could be a crc_token, which anybody can have signed" }
          : undefined,
    };
  },
};

/** Braintree has a text signed as it signs its payloads. */
export const braintreeQuestions: ProviderQuestions = {
  description: "A GET with `bt_challenge` gets it signed. It is 20 to 32 hexadecimal digits, and a payload " +
    "of the same form is refused, so that no answer is an event's signature.",
  prepare: ({ secrets: [privateKey = ""], publicKey = "" }) => {
    const key = createHash("sha1").update(privateKey).digest();
    const digest = new HmacDigest("sha1", new Uint8Array(key));
    return {
      head: {
        isAsked: (request) => isGetWith(request, "bt_challenge"),
        answer: (request) => {
          const challenge = parameter(request, "bt_challenge") ?? "";
          if (!BRAINTREE_CHALLENGE.test(challenge)) {
            return noChallenge("bt_challenge is not 20 to 32 hexadecimal digits");
          }
          return textAnswer(`${publicKey}|${digest.hex(encoder.encode(challenge))}`);
        },
      },
    };
  },
};

/** eBay wants a hash of its code, the token that it was given, and the address that it has. */
export const ebayQuestions: ProviderQuestions = {
  description: "A GET with `challenge_code` gets the hash of it, of `verify_token` and of the URL: " +
    "`public_url`, or `PUBLIC_URL` and the target. Without `verify_token` it gets 405.",
  takesToken: true,
  doubtsAboutToken: (token) =>
    EBAY_TOKEN.test(token) ? undefined : "Must be 32 to 80 letters, digits, `_` and `-`, as eBay asks for",
  prepare: ({ verifyToken, publicUrl }) => {
    if (verifyToken === undefined) return {};
    return {
      head: {
        isAsked: (request) => isGetWith(request, "challenge_code"),
        answer: (request) => {
          const code = parameter(request, "challenge_code") ?? "";
          if (!EBAY_CODE.test(code)) return noChallenge("challenge_code has not the form that eBay gives it");
          const url = publicUrl ?? urlWithout(request, "challenge_code");
          if (url === undefined) {
            return {
              code: "unauthorized",
              reason: "The URL that is hashed is not known: set public_url, or PUBLIC_URL of the gateway",
            };
          }
          const hash = createHash("sha256").update(code).update(verifyToken).update(url);
          return jsonAnswer({ challengeResponse: hash.digest("hex") });
        },
      },
    };
  },
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function isGetWith(request: RequestToVerify, name: string): boolean {
  return request.method === "GET" && parameter(request, name) !== undefined;
}

/** A parameter of the query; empty where it is there more than once, which no provider does. */
function parameter({ url }: RequestToVerify, name: string): string | undefined {
  const start = url.indexOf("?");
  if (start === -1) return undefined;
  const values = new URLSearchParams(url.slice(start + 1)).getAll(name);
  return values.length > 1 ? "" : values[0];
}

/** The URL as the provider was given it. */
function urlWithout(request: RequestToVerify, name: string): string | undefined {
  const url = request.publicUrls.resolve(request);
  const start = url?.indexOf("?") ?? -1;
  if (url === undefined || start === -1) return url;
  const rest = url.slice(start + 1).split("&").filter((pair) => !pair.startsWith(`${name}=`));
  return rest.length === 0 ? url.slice(0, start) : `${url.slice(0, start)}?${rest.join("&")}`;
}
