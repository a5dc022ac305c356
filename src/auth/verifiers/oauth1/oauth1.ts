/**
 * Requests that one client has signed by OAuth 1.0 (RFC 5849).
 *
 * @module
 */

import { hash } from "node:crypto";
import { equalText } from "../../crypto/constant_time.ts";
import { lazyVerifier } from "../../lazy_verifier.ts";
import { OTHER_SECRET_OR_URL } from "../../public_url.ts";
import { secretsCheck } from "../../several_secrets.ts";
import type { BodyCheck, BodyVerifier, Refusal, RequestToVerify, VerifierKind } from "../../verifier.ts";
import { mismatch } from "../../refusal.ts";
import { noteRefused, recallRefused } from "../../refused_credentials.ts";
import { formText, isForm, type Parameter, parseForm } from "../../parsing/form_body.ts";
import { asHeaderValue } from "../../header_text.ts";
import { configSchema, noticesOf, type OAuth1Config } from "./config.ts";
import { isOAuth, type OAuth1Credentials, parseOAuth1Credentials } from "./credentials.ts";
import { signatureBaseString } from "./parameters.ts";
import {
  isBodyHash,
  isRsa,
  publicKeySignature,
  secretsSignature,
  type SignatureCheck,
} from "./signatures.ts";
import { UsedNonces } from "./used_nonces.ts";

/** Most parameters of a form or a query. */
const MAX_PARAMETERS = 1_000;

/** Longest form, in bytes: its parameters are put together in one go, in which nothing else runs. */
const MAX_FORM_BYTES = 256 * 1024;

/** `oauth1`: the request is signed by one client. */
export const oauth1: VerifierKind<OAuth1Config> = {
  key: "oauth1",
  configSchema,
  example: { consumer_key: "shop", consumer_secret: "{$SHOP_SECRET}", signature_method: "HMAC-SHA256" },
  notes: [
    "The parameters of the protocol stand in the `Authorization` header. Method, URL, query and the fields of a form",
    "are signed, and a body of another kind where the sender adds `oauth_body_hash`: otherwise who can change a",
    "request on its way can change such a body, unless `require_body_hash` is `true`.",
    "",
    "The URL is the one that the sender has used. The gateway knows it from `PUBLIC_URL`, or from",
    "`X-Forwarded-Proto` and `X-Forwarded-Host` of a proxy of `TRUSTED_PROXIES`; without either, every request is",
    "refused. Proxies that rewrite paths or queries break signatures: see [proxies](../../docker/README.md).",
    "",
    "A nonce is remembered once the signature was right, for its token and timestamp, also when the webhook is",
    "changed. Each instance has its own memory, which begins empty. A request that somebody has heard can so be sent",
    "again within `timestamp_window` after a restart: times before the start are taken all the same, since clocks",
    "differ and senders that the restart has met send again. Use `idempotency` where an event must not come twice.",
    "At most 100,000 are remembered for a webhook; beyond, those of the oldest timestamps are forgotten, and requests",
    "with timestamps as old are refused, so that none passes twice.",
    "",
    "A signature by RSA takes about a millisecond to verify. While those of public keys take more than a quarter of",
    "the time, further requests with one get 503: strangers who know the consumer key can bring that about.",
    "",
    "The Python service signs the path alone, without host and query: senders of standard libraries, which it",
    "refuses, are let in here, and those that were written for it have to sign as RFC 5849 says.",
  ],
  notices: noticesOf,
  compile: (config) => lazyVerifier("body", verifierOf, config),
};

function verifierOf(config: OAuth1Config): BodyVerifier {
  return new OAuth1Verifier(config);
}

const MISSING = refusal("The Authorization header is missing");
const OTHER_SCHEME = refusal("The Authorization header does not have the scheme OAuth");
const MALFORMED = refusal("The Authorization header lacks parameters of OAuth, or has what cannot be");
const OTHER_CLIENT = refusal("The consumer key, the token or the signature method is not the configured one");
const NO_TIME = refusal("The timestamp or the nonce is missing");
const OTHER_TIME = refusal(
  "The timestamp is outside of 'timestamp_window': the sender's clock, or an old request",
);
const NO_BODY_HASH = refusal("The body is not signed: 'oauth_body_hash' is missing");
const HASHED_FORM = refusal("A form is sent with 'oauth_body_hash', which is for other bodies only");
const UNREADABLE_QUERY = refusal("The query holds parameters of OAuth, escapes that are none, or too much");
const UNREADABLE_FORM = refusal("The form holds parameters of OAuth, escapes that are none, or too much");
const UNKNOWN_URL = refusal(
  "The URL that the sender used is not known: set PUBLIC_URL, or have a proxy say it",
);
const WRONG = mismatch(refusal(`The signature does not match the request: ${OTHER_SECRET_OR_URL}`));
const OTHER_BODY = refusal("The body is not the one that was signed");
const REPEATED = refusal("The signature is right, but the request was there before: its nonce was used");
const FORGOTTEN = refusal(
  "The signature is right, but nonces of its time had to be forgotten: too many requests",
);

const PASSED: BodyCheck = () => undefined;

class OAuth1Verifier implements BodyVerifier {
  readonly reads = "body";
  readonly #config: OAuth1Config;
  readonly #consumerKey: string;
  readonly #token: string | undefined;
  readonly #isRight: SignatureCheck;
  readonly #keepSeconds: number;

  constructor(config: OAuth1Config) {
    const { consumer_key, token, verify_timestamp, timestamp_window } = config;
    this.#config = config;
    this.#consumerKey = asHeaderValue(consumer_key);
    this.#token = token === undefined ? undefined : asHeaderValue(token);
    this.#isRight = signatureCheckOf(config);
    this.#keepSeconds = verify_timestamp ? timestamp_window : Infinity;
  }

  verify(request: RequestToVerify): Refusal | BodyCheck {
    const presented = request.headers.get("authorization");
    if (presented === null || presented === "") return MISSING;
    if (!isOAuth(presented)) return OTHER_SCHEME;
    const hasForm = isForm(request.headers);
    const publicUrl = request.publicUrls.resolve(request);
    // Without a form the signature covers nothing else.
    const covered = `${request.method} ${publicUrl}`;
    const known = hasForm ? undefined : recallRefused(this, presented, covered);
    if (known !== undefined) return known;
    const given = parseOAuth1Credentials(presented);
    if (given === undefined) return MALFORMED;
    const refused = this.#refuseClient(given) ?? this.#refuseTime(given);
    if (refused !== undefined) return refused;
    const verdict = this.#verifyRequest(request, given, hasForm, publicUrl);
    return verdict === WRONG ? noteRefused(this, presented, covered, WRONG) : verdict;
  }

  #refuseClient({ consumerKey, token, signatureMethod }: OAuth1Credentials): Refusal | undefined {
    const isClient = equalText(consumerKey, this.#consumerKey) &&
      (this.#token === undefined || equalText(token ?? "", this.#token)) &&
      signatureMethod === this.#config.signature_method;
    return isClient ? undefined : OTHER_CLIENT;
  }

  /** Both may be left out with `PLAINTEXT` (RFC 5849, section 3.1), which they do not protect. */
  #refuseTime({ timestamp, nonce }: OAuth1Credentials): Refusal | undefined {
    const { signature_method, verify_timestamp, timestamp_window } = this.#config;
    if (timestamp === undefined || nonce === undefined || nonce === "") {
      return signature_method === "PLAINTEXT" && timestamp === nonce ? undefined : NO_TIME;
    }
    const isOfThisTime = Math.abs(nowInSeconds() - timestamp) <= timestamp_window;
    return verify_timestamp && !isOfThisTime ? OTHER_TIME : undefined;
  }

  #verifyRequest(
    request: RequestToVerify,
    given: OAuth1Credentials,
    hasForm: boolean,
    publicUrl: string | undefined,
  ): Refusal | BodyCheck {
    const { bodyHash } = given;
    if (hasForm && bodyHash !== undefined) return HASHED_FORM;
    if (!hasForm && bodyHash === undefined && this.#config.require_body_hash) return NO_BODY_HASH;
    if (publicUrl === undefined) return UNKNOWN_URL;
    const url = asHeaderValue(publicUrl);
    const signed = signedByHead(url, given);
    if (signed === undefined) return UNREADABLE_QUERY;
    const { method } = request;
    const isRight = (parameters: readonly Parameter[]) =>
      this.#isRight(signatureBaseString(method, url, parameters), given.signature);
    if (hasForm) return (body) => this.#refuseForm(body, signed, isRight) ?? this.#useNonce(request, given);
    if (!isRight(signed)) return WRONG;
    if (bodyHash === undefined) return this.#useNonce(request, given) ?? PASSED;
    return this.#refuseNonce(request, given) ?? ((body) => {
      const isBody = isBodyHash(this.#config.signature_method, bodyHash, body);
      return isBody ? this.#useNonce(request, given) : OTHER_BODY;
    });
  }

  #refuseForm(
    body: Uint8Array<ArrayBuffer>,
    signed: readonly Parameter[],
    isRight: (parameters: readonly Parameter[]) => boolean,
  ): Refusal | undefined {
    if (body.byteLength > MAX_FORM_BYTES) return UNREADABLE_FORM;
    const fields = foreignParameters(formText(body));
    if (fields === undefined) return UNREADABLE_FORM;
    return isRight([...signed, ...fields]) ? undefined : WRONG;
  }

  /** What using the nonce would find now, before a body is read. */
  #refuseNonce(
    request: RequestToVerify,
    { timestamp, nonce, token }: OAuth1Credentials,
  ): Refusal | undefined {
    if (timestamp === undefined || nonce === undefined) return undefined;
    return refusalOf(this.#nonces(request)?.judge(timestamp, nonceKey(token, nonce)));
  }

  #useNonce(request: RequestToVerify, { timestamp, nonce, token }: OAuth1Credentials): Refusal | undefined {
    if (timestamp === undefined || nonce === undefined) return undefined;
    const key = nonceKey(token, nonce);
    return refusalOf(this.#nonces(request)?.use(timestamp, key, nowInSeconds(), this.#keepSeconds));
  }

  #nonces({ memory }: RequestToVerify): UsedNonces | undefined {
    return this.#config.verify_nonce ? memory.keep("oauth1", () => new UsedNonces()) : undefined;
  }
}

/** With several secrets all combinations are tried. */
function signatureCheckOf(config: OAuth1Config): SignatureCheck {
  const { signature_method: method, consumer_secret = "", token_secret = "", rsa_public_key = "" } = config;
  if (isRsa(method)) return secretsCheck(rsa_public_key, (pem) => publicKeySignature(method, pem));
  return secretsCheck(
    consumer_secret,
    (consumer) => secretsCheck(token_secret, (token) => secretsSignature(method, consumer, token)),
  );
}

/** What is signed of a request without its body. @param url in bytes */
function signedByHead(url: string, { signed }: OAuth1Credentials): readonly Parameter[] | undefined {
  const query = url.indexOf("?");
  const parameters = query === -1 ? [] : foreignParameters(url.slice(query + 1));
  return parameters === undefined ? undefined : [...signed, ...parameters];
}

/** Parameters of the protocol stand in one place only, and that is the header (RFC 5849, section 3.5). */
function foreignParameters(text: string): readonly Parameter[] | undefined {
  const parameters = parseForm(text, MAX_PARAMETERS);
  return parameters?.some(([name]) => name.startsWith("oauth_")) === true ? undefined : parameters;
}

/** Of one length, however long a sender's nonces are. */
function nonceKey(token: string | undefined, nonce: string): string {
  return hash("sha256", `${token?.length ?? ""}:${token ?? ""}${nonce}`, "base64");
}

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function refusalOf(use: ReturnType<UsedNonces["judge"]> | undefined): Refusal | undefined {
  if (use === "repeated") return REPEATED;
  return use === "forgotten" ? FORGOTTEN : undefined;
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason, challenge: 'OAuth realm="webhook"' };
}
