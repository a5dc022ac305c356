import type { SenderWorld } from "../../contracts/sender.ts";
import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";
import { digestChallenges, digestCredentials } from "../../support/auth/digest_client.ts";

const EXAMPLE_TARGET = "/webhook/default/example";

/** Each algorithm alone, and a response that covers the body. */
export const world: VerifierWorld = {
  examples: [
    exampleOf("with defaults", {}),
    exampleOf("with MD5-sess", { algorithm: "MD5-sess" }),
    exampleOf("with auth-int", { qop: "auth-int" }),
  ],
  senders: [senderOf("with defaults", {}), senderOf("with auth-int", { qop: "auth-int" })],
};

interface Config {
  readonly algorithm?: string;
  readonly qop?: string;
}

function exampleOf(variant: string, config: Config): VerifierExample {
  const configWith = (password: unknown) => ({ username: "shop", password, ...config });
  return {
    variant,
    configWith,
    configWithSeveral: configWith,
    header: "authorization",
    credentialsFor: (password, body, challenge) =>
      answerTo(challenge, { ...config, password, method: "POST", uri: EXAMPLE_TARGET, body }),
    ignoresCase: false,
  };
}

interface Answer extends Config {
  readonly password: string;
  readonly method: string;
  readonly uri: string;
  readonly body: Uint8Array;
}

function answerTo(challenge: string, answer: Answer): string {
  return digestCredentials(digestChallenges(challenge)[0]!, { username: "shop", ...answer });
}

function senderOf(variant: string, config: Config): SenderWorld {
  const password = "Correct-Horse-Battery-Staple-1";
  // The suites send many requests with one challenge.
  let count = 0;
  return {
    variant,
    open: () =>
      Promise.resolve({
        webhook: { digest_auth: { username: "shop", password, ...config } },
        covers: config.qop === "auth-int" ? ["method", "url", "body"] : ["method", "url"],
        passesOnce: true,
        sign: (request, challenge = "") => {
          const { method, url, body } = request;
          const uri = url.slice(url.indexOf("/", url.indexOf("//") + 2));
          const nc = (++count).toString(16).padStart(8, "0");
          const value = digestCredentials(digestChallenges(challenge)[0]!, {
            username: "shop",
            password,
            ...config,
            method,
            uri,
            body,
            nc,
          });
          return { ...request, headers: [...request.headers, ["Authorization", value]] };
        },
        meaning: (_, value) => meaningOf(value),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

/** The parameters that count, whatever their order and their writing. */
function meaningOf(credentials: string): string {
  const [, scheme = "", list = ""] = /^(\S*) *(.*)$/.exec(credentials) ?? [];
  const names = ["username", "realm", "nonce", "uri", "algorithm", "qop", "nc", "cnonce", "response"];
  const parameters = [...list.matchAll(/([^\s,=]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))/g)]
    .map(([, name = "", quoted, token]) => [name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? token])
    .filter(([name]) => names.includes(name!)).sort();
  return JSON.stringify([scheme.toLowerCase(), parameters]);
}
