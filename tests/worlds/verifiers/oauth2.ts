import type { SenderWorld } from "../../contracts/sender.ts";
import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";
import { TestIssuer } from "../../support/jose/issuer.ts";
import { hmacToken, longEnough } from "../../support/jose/tokens.ts";

const CLAIMS = { sub: "shop", exp: 4_102_444_800, scope: "orders:read orders:write" };
const SCOPE = { required_scope: ["orders:write"] };

/** Tokens that are signed, and tokens that the issuer is asked about. */
export const world: VerifierWorld = {
  examples: [
    exampleOf("with a signed token", {}),
    exampleOf("with a type of its own", { token_type: "Token" }),
  ],
  senders: [askingSender(), signingSender()],
};

function exampleOf(variant: string, config: { readonly token_type?: string }): VerifierExample {
  const { token_type: scheme = "Bearer" } = config;
  return {
    variant,
    configWith: (secret) => ({ ...config, ...SCOPE, jwt_secret: longEnough(secret) }),
    configWithSeveral: (secrets) => ({ ...config, ...SCOPE, jwt_secret: secrets.map(longEnough) }),
    header: "authorization",
    credentialsFor: (secret) => `${scheme} ${hmacToken(longEnough(secret), CLAIMS)}`,
    ignoresCase: false,
  };
}

function askingSender(): SenderWorld {
  const token = "opaque-token-of-the-shop";
  return {
    variant: "asking the issuer",
    async open() {
      const issuer = await TestIssuer.start();
      issuer.grant(token, CLAIMS);
      return {
        webhook: { oauth2: { ...SCOPE, introspection_endpoint: issuer.url, allowed_hosts: ["127.0.0.1"] } },
        sign: (request) => ({
          ...request,
          headers: [...request.headers, ["authorization", `Bearer ${token}`]],
        }),
        meaning,
        [Symbol.asyncDispose]: () => issuer[Symbol.asyncDispose](),
      };
    },
  };
}

function signingSender(): SenderWorld {
  const secret = longEnough("Correct-Horse-Battery-Staple-1");
  const token = hmacToken(secret, CLAIMS);
  return {
    variant: "with a signed token",
    open: () =>
      Promise.resolve({
        webhook: { oauth2: { ...SCOPE, jwt_secret: secret } },
        sign: (request) => ({
          ...request,
          headers: [...request.headers, ["authorization", `Bearer ${token}`]],
        }),
        meaning,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

function meaning(_name: string, value: string): string {
  return value.replace(/^bearer +/i, "Bearer ");
}
