/**
 * The verifier `recaptcha`: a token that a browser got, and that a service is asked about.
 *
 * @module
 */

import { hash } from "node:crypto";
import { lazyVerifier } from "../../lazy_verifier.ts";
import { requestTarget } from "../../public_url.ts";
import type {
  BodyCheck,
  BodyVerifier,
  Notice,
  Refusal,
  RequestToVerify,
  VerifierKind,
} from "../../verifier.ts";
import { isForm } from "../../parsing/form_body.ts";
import { headerNotices, missingHeader } from "../../parsing/header_name.ts";
import { configSchema, type RecaptchaConfig } from "./config.ts";
import { JudgedTokens, type Judgement, TakenToken } from "./judged_tokens.ts";
import { askedServers } from "../../servers/server_fields.ts";
import { SiteVerify } from "./site_verify.ts";
import { TokenFinder } from "./token_in_body.ts";

/** Tokens are visible ASCII, of some thousand characters at most. */
const TOKEN = /^[!-~]{1,8192}$/;

/** `recaptcha`: a service takes the token of the request. */
export const recaptcha: VerifierKind<RecaptchaConfig> = {
  key: "recaptcha",
  configSchema,
  example: {
    secret_key: "{$RECAPTCHA_SECRET}",
    min_score: 0.7,
    hostnames: ["shop.example.com"],
    action: "order",
  },
  notes: [
    "The service is asked once for each token, and takes it once. A token is remembered for two minutes with its",
    "request: method, URL and body, also when the webhook is changed. The same request may come again, and a token",
    "with another one is refused. After a restart the service is asked again, which refuses what it took. While",
    "the service cannot be asked, or does not know the secret, the answer is 503 `authentication_unavailable`, and",
    "the token is good for the next try. A token in a header is judged before the body is read. The service is asked",
    "about 64 tokens at once, in turns of their senders by address, so that one that makes up very many waits for itself.",
    "",
    "A token in a body is looked for in JSON, or in a form by the Content-Type, of at most 1 MiB, and not in a body",
    "that is sent compressed. It stays in the event.",
    "",
    "The sender's address is sent along where it is a public one: see `TRUSTED_PROXIES`. Other services of the kind:",
    "",
    "- hCaptcha: `version` `v2`, `verify_url` `https://api.hcaptcha.com/siteverify`, `token_field`",
    "  `h-captcha-response`",
    "- Turnstile: `version` `v2`, `verify_url` `https://challenges.cloudflare.com/turnstile/v0/siteverify`,",
    "  `token_field` `cf-turnstile-response`",
  ],
  notices: noticesOf,
  servers: ({ server }) => askedServers([["verify_url", server]]),
  compile: (config) => lazyVerifier("body", verifierOf, config),
};

function noticesOf({ version, token_source, token_field, min_score }: RecaptchaConfig): readonly Notice[] {
  return [
    ...(token_source === "header" ? headerNotices("token_field", token_field) : []),
    ...(version === "v2" && min_score !== undefined ? [SCORE_OF_V2] : []),
  ];
}

const SCORE_OF_V2: Notice = {
  path: "min_score",
  message: "Has no effect with 'v2', whose tokens have no score",
};

function verifierOf(config: RecaptchaConfig): BodyVerifier {
  const tokens = new ServiceTokens(config);
  return config.token_source === "header" ? headerVerifier(config, tokens) : bodyVerifier(config, tokens);
}

const MALFORMED = refusal("What stands in the place of the token can be none");
const NO_TOKEN = refusal(
  "The body holds no token, or cannot be searched: it is neither JSON nor a form, or too long",
);
const COMPRESSED = refusal("The body is compressed, so that its token cannot be found");
const OTHER_REQUEST = refusal("The token was there before, with another request");

/** What is known of tokens, and who is asked about the others. */
class ServiceTokens {
  readonly #service: SiteVerify;

  constructor(config: RecaptchaConfig) {
    this.#service = new SiteVerify(config);
  }

  judge(token: string, request: RequestToVerify): Judgement | Promise<Judgement> {
    const { memory, servers, clientAddresses, peerAddress, headers } = request;
    return memory.keep("recaptcha", () => new JudgedTokens()).judge(token, () => {
      const client = clientAddresses.known(peerAddress, headers);
      const from = clientAddresses.senderOf(peerAddress, headers);
      return this.#service.refuse(
        token,
        client,
        (question) => servers.ask({ ...question, about: "unknown", from }),
      );
    });
  }
}

function headerVerifier({ token_field: name }: RecaptchaConfig, tokens: ServiceTokens): BodyVerifier {
  const missing = missingHeader(name);
  return {
    reads: "body",
    verify(request) {
      const token = request.headers.get(name);
      if (token === null || token === "") return missing;
      if (!TOKEN.test(token)) return MALFORMED;
      const judging = tokens.judge(token, request);
      return judging instanceof Promise
        ? judging.then((judgement) => checkOf(judgement, request))
        : checkOf(judging, request);
    },
  };
}

function bodyVerifier({ token_field: name }: RecaptchaConfig, tokens: ServiceTokens): BodyVerifier {
  const finder = new TokenFinder(name);
  return {
    reads: "body",
    verify(request) {
      const coding = request.headers.get("content-encoding");
      if (coding !== null && !/^(identity)?$/i.test(coding)) return COMPRESSED;
      return async (body) => {
        const token = finder.find(body, isForm(request.headers));
        if (token === undefined) return NO_TOKEN;
        if (!TOKEN.test(token)) return MALFORMED;
        const check = checkOf(await tokens.judge(token, request), request);
        return typeof check === "function" ? check(body) : check;
      };
    },
  };
}

function checkOf(judgement: Judgement, request: RequestToVerify): Refusal | BodyCheck {
  if (!(judgement instanceof TakenToken)) return judgement;
  return (body) => judgement.isFor(fingerprintOf(request, body)) ? undefined : OTHER_REQUEST;
}

/** What is equal for the same request alone. */
function fingerprintOf({ method, url }: RequestToVerify, body: Uint8Array<ArrayBuffer>): string {
  return hash("sha256", `${method} ${requestTarget(url)} ${hash("sha256", body, "base64")}`, "base64");
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}
