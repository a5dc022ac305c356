/**
 * The name and password of one user, proven by a hash over a nonce of the server (RFC 7616).
 *
 * @module
 */

import { z } from "zod";
import { booleanField, integerField, secretField } from "../../../schema/fields.ts";
import { requestTarget } from "../../public_url.ts";
import { equalText } from "../../crypto/constant_time.ts";
import { lazyVerifier } from "../../lazy_verifier.ts";
import { type Secrets, secretsCheck, secretsField } from "../../several_secrets.ts";
import type {
  BodyCheck,
  BodyVerifier,
  HeadVerifier,
  Notice,
  Refusal,
  RequestToVerify,
  VerifierKind,
} from "../../verifier.ts";
import { mismatch } from "../../refusal.ts";
import { noteRefused, recallRefused } from "../../refused_credentials.ts";
import { fromHeaderValue } from "../../header_text.ts";
import { type DigestCredentials, isDigest, parseDigestCredentials } from "./credentials.ts";
import { Nonces } from "./nonces.ts";
import {
  DIGEST_ALGORITHMS,
  type DigestAlgorithm,
  type DigestedRequest,
  type Protection,
  responseDigest,
  userDigest,
  usernameDigest,
} from "./response.ts";

/** The compiled value of the key `digest_auth`. */
export interface DigestAuthConfig {
  readonly username: string;
  readonly password: Secrets;
  /** @default "Webhook API" */
  readonly realm: string;
  /** @default ["SHA-256", "MD5"] */
  readonly algorithm: readonly DigestAlgorithm[];
  /** @default ["auth"] */
  readonly qop: readonly Protection[];
  /** @default false */
  readonly userhash: boolean;
  /** In seconds. @default 300 */
  readonly nonce_lifetime: number;
  readonly nonce_secret?: string | undefined;
}

/** What is hashed with colons in between must not hold one at this place (RFC 7616, section 3.4.2). */
const USERNAME = /^[^:\p{Cc}]*$/u;
const PASSWORD = /^[^\p{Cc}]*$/u;

/** What stands in quotes without being escaped, and in ASCII. */
const REALM = /^[ !#-[\]-~]+$/;

const configSchema: z.ZodType<DigestAuthConfig> = z.strictObject({
  username: secretField(USERNAME, "Must not hold ':' or control characters (RFC 7616, section 3.4.2)").meta({
    description: "The user's name, without `:`.",
  }),
  password: secretsField(
    "The user's password.",
    secretField(PASSWORD, "Must not hold control characters"),
  ),
  realm: z.string().regex(REALM, { error: "Must be ASCII without '\"', '\\' and control characters" })
    .default("Webhook API").meta({ description: "What senders are asked for, in ASCII." }),
  algorithm: oneOrMore(algorithmField()).default(["SHA-256", "MD5"]).meta({
    description:
      "`SHA-256`, `SHA-256-sess`, `MD5` or `MD5-sess`, or a list. Each has a challenge of its own, the strongest first.",
  }),
  qop: oneOrMore(z.enum(["auth", "auth-int"])).default(["auth"]).meta({
    description:
      "What a response covers: `auth`, or `auth-int` for the body too, or both for what senders can.",
  }),
  userhash: booleanField().default(false).meta({
    description: "Whether senders learn that they may send a hash in the place of the user's name.",
  }),
  nonce_lifetime: integerField(1, 86_400).default(300).meta({
    description:
      "How long a nonce is taken, in seconds. After that the sender gets a new one and `stale=true`.",
  }),
  nonce_secret: secretField(/^.{16,}$/, "Must have 16 characters at least").optional().meta({
    description:
      "The same text for all instances behind one address, which then take each other's nonces. Default: they do not.",
  }),
}).meta({ description: "A user's name and password, of which only hashes are sent (RFC 7616)." });

/** One value, or a list of different ones. */
function oneOrMore<Value extends string>(
  one: z.ZodType<Value, string>,
): z.ZodType<readonly Value[], unknown> {
  const list = z.array(one).min(1, { error: "Must not be empty" });
  return z.union([one.transform((value): readonly Value[] => [value]), list]);
}

function algorithmField(): z.ZodType<DigestAlgorithm, string> {
  return z.string().transform((text, context): DigestAlgorithm => {
    const known = DIGEST_ALGORITHMS.find((algorithm) => algorithm.toLowerCase() === text.toLowerCase());
    if (known !== undefined) return known;
    context.addIssue({ code: "custom", message: `Must be one of ${DIGEST_ALGORITHMS.join(", ")}` });
    return z.NEVER;
  });
}

/** `digest_auth`: a hash that only who knows the user's password can have made. */
export const digestAuth: VerifierKind<DigestAuthConfig> = {
  key: "digest_auth",
  configSchema,
  example: { username: "shop", password: "{$SHOP_PASSWORD}" },
  notes: [
    "A refusal is 401 with one challenge an algorithm and a nonce that is given out once. Senders answer it by the",
    "same request with credentials: `curl --digest`, or `requests.auth.HTTPDigestAuth` in Python. With the same nonce",
    "they may send more requests, each with a higher `nc`; one that comes again is refused, and so is one that",
    "belongs to another URL. What was used is remembered for the 10,000 nonces used last; others count as old.",
    "",
    "Every request without credentials is a refusal in log and metrics, also the first one of a sender that waits",
    "for the challenge. Instances do not take each other's nonces: behind a proxy that shares requests out among",
    "several, give them all the same `nonce_secret`. A request that somebody has heard can then be sent again to",
    "each of the others once, while its nonce is taken.",
    "",
    "Where a proxy takes away a part of the path, `PUBLIC_URL` has to name it: `uri` is compared with the URL as the",
    "sender sees it. The Python service sends no challenge and takes any nonce: senders that make up their own, or",
    "leave `qop` out, are refused here.",
  ],
  notices: ({ algorithm }) => algorithm.some((name) => name.startsWith("SHA-256")) ? [] : [MD5_ALONE],
  compile: (config) =>
    config.qop.includes("auth-int")
      ? lazyVerifier("body", bodyVerifierOf, config)
      : lazyVerifier("head", headVerifierOf, config),
};

const MD5_ALONE: Notice = {
  path: "algorithm",
  message: "MD5 is weak: leave the key out, or add SHA-256, for senders that know it",
};

/** Why requests are refused. */
const REASONS = {
  missing: "The Authorization header is missing",
  otherScheme: "The Authorization header does not have the scheme Digest",
  malformed: "The Authorization header lacks parameters of Digest, or has some twice",
  notOffered: "The realm, algorithm or qop is none that the challenge offers",
  otherTarget: "The credentials are for another URL than the one that was requested: see PUBLIC_URL",
  wrong: "The user name or the response is wrong",
  old: "The response is right, but its nonce is old: the sender has to take the new one",
  oldUnread: "The nonce is old, or not given out here",
  repeated: "The response is right, but it was there before: the nonce was used with the same count",
} as const;

/** Reasons of requests whose credentials may be right but for their nonce. */
const STALE: ReadonlySet<string> = new Set<keyof typeof REASONS>(["old", "oldUnread"]);

const NO_BODY = new Uint8Array();

/** The part that both kinds of verifier have: it knows the user, and gives nonces out. */
class DigestUser {
  readonly #config: DigestAuthConfig;
  readonly #challenges: readonly string[];
  readonly #refusals: Readonly<Record<keyof typeof REASONS, Refusal>>;
  readonly #nonces: Nonces;
  readonly #isRight: (
    algorithm: DigestAlgorithm,
    given: DigestCredentials,
    method: string,
    body: Uint8Array,
  ) => boolean;

  constructor(config: DigestAuthConfig) {
    this.#config = config;
    const { username, password, realm, algorithm, nonce_lifetime, nonce_secret } = config;
    const offered = DIGEST_ALGORITHMS.filter((name) => algorithm.includes(name));
    this.#challenges = offered.map((name) => challengeFor(config, name));
    this.#refusals = this.#refusalsOfReasons();
    const key = nonce_secret === undefined ? undefined : new TextEncoder().encode(nonce_secret);
    this.#nonces = new Nonces(nonce_lifetime * 1000, key);
    this.#isRight = secretsCheck(password, (secret) => {
      const users = new Map(offered.map((name) => [name, userDigest(name, username, realm, secret)]));
      return (name, given, method, body) => {
        const request: DigestedRequest = { method, ...given };
        return equalText(given.response, responseDigest(name, users.get(name)!, request, body));
      };
    });
  }

  /** The credentials of a request, if they could pass. */
  read(request: RequestToVerify): DigestCredentials | Refusal {
    const presented = request.headers.get("authorization");
    if (presented === null || presented === "") return this.#refusals.missing;
    if (!isDigest(presented)) return this.#refusals.otherScheme;
    const given = parseDigestCredentials(presented);
    if (given === undefined) return this.#refusals.malformed;
    if (!this.#isOffered(given)) return this.#refusals.notOffered;
    return isFor(request, given.uri) ? given : this.#refusals.otherTarget;
  }

  /** Whether the body of a request is worth reading. */
  refuseUnread(given: DigestCredentials): Refusal | undefined {
    return this.#nonces.isCurrent(given.nonce) ? undefined : this.#refusals.oldUnread;
  }

  /** Whether credentials were refused that are never right, with any nonce and at any time. */
  isWrong(refusal: Refusal | undefined): refusal is Refusal {
    return refusal === this.#refusals.wrong;
  }

  judge(given: DigestCredentials, method: string, body: Uint8Array): Refusal | undefined {
    const algorithm = algorithmOf(given)!;
    const isUser = equalText(given.username, this.#nameIn(given, algorithm));
    if (!this.#isRight(algorithm, given, method, body) || !isUser) return this.#refusals.wrong;
    switch (this.#nonces.use(given.nonce, Number.parseInt(given.nc, 16))) {
      case "fresh":
        return undefined;
      case "old":
        return this.#refusals.old;
      case "repeated":
        return this.#refusals.repeated;
    }
  }

  /** @param isStale whether the credentials are right but for their nonce */
  /** One refusal a reason, each of whose answers gives out a nonce of its own. */
  #refusalsOfReasons(): Readonly<Record<keyof typeof REASONS, Refusal>> {
    const refusals = Object.entries(REASONS).map(([name, reason]): [string, Refusal] => {
      const isStale = STALE.has(name);
      const refusal: Refusal = { code: "unauthorized", reason, challenge: () => this.#challenge(isStale) };
      return [name, name === "wrong" ? mismatch(refusal) : refusal];
    });
    return Object.fromEntries(refusals) as Record<keyof typeof REASONS, Refusal>;
  }

  #challenge(isStale: boolean): string {
    const rest = `nonce="${this.#nonces.issue()}"${isStale ? ", stale=true" : ""}`;
    return this.#challenges.map((beginning) => beginning + rest).join(", ");
  }

  #isOffered(given: DigestCredentials): boolean {
    const { realm, algorithm, qop } = this.#config;
    const name = algorithmOf(given);
    return given.realm === realm && name !== undefined && algorithm.includes(name) && qop.includes(given.qop);
  }

  #nameIn({ isUsernameHashed }: DigestCredentials, algorithm: DigestAlgorithm): string {
    const { username, realm } = this.#config;
    return isUsernameHashed ? usernameDigest(algorithm, username, realm) : username;
  }
}

/** All of a challenge up to its nonce. */
function challengeFor({ realm, qop, userhash }: DigestAuthConfig, algorithm: DigestAlgorithm): string {
  const more = userhash ? "userhash=true, " : "";
  return `Digest realm="${realm}", qop="${qop.join(", ")}", algorithm=${algorithm}, charset=UTF-8, ${more}`;
}

/** Left out, it is MD5 (RFC 7616, section 3.4). */
function algorithmOf({ algorithm = "MD5" }: DigestCredentials): DigestAlgorithm | undefined {
  return DIGEST_ALGORITHMS.find((name) => name === algorithm);
}

/** Whether credentials are for the URL that was requested, as the sender has it: its path, or all of it. */
function isFor(request: RequestToVerify, uri: string): boolean {
  const { url, publicUrls } = request;
  if (uri === requestTarget(url)) return true;
  const text = fromHeaderValue(uri);
  return text === requestTarget(url) || text === publicUrls.publicTarget(url) ||
    text === publicUrls.resolve(request);
}

function headVerifierOf(config: DigestAuthConfig): HeadVerifier {
  const user = new DigestUser(config);
  return {
    reads: "head",
    verify(request) {
      const presented = request.headers.get("authorization") ?? "";
      const known = recallRefused(user, presented, request.method);
      if (known !== undefined) return known;
      const given = user.read(request);
      if ("reason" in given) return given;
      const refusal = user.judge(given, request.method, NO_BODY);
      return user.isWrong(refusal) ? noteRefused(user, presented, request.method, refusal) : refusal;
    },
  };
}

const PASSED: BodyCheck = () => undefined;

function bodyVerifierOf(config: DigestAuthConfig): BodyVerifier {
  const user = new DigestUser(config);
  return {
    reads: "body",
    verify(request) {
      const given = user.read(request);
      if ("reason" in given) return given;
      if (given.qop === "auth") return user.judge(given, request.method, NO_BODY) ?? PASSED;
      return user.refuseUnread(given) ?? ((body) => user.judge(given, request.method, body));
    },
  };
}
