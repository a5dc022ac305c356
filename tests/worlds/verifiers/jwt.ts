import type { SenderWorld } from "../../contracts/sender.ts";
import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";
import { TestIssuer } from "../../support/jose/issuer.ts";
import { ecKey, hmacToken, keyToken, longEnough } from "../../support/jose/tokens.ts";

const HASHES = { HS256: "sha256", HS384: "sha384", HS512: "sha512" } as const;
type HmacName = keyof typeof HASHES;

const CLAIMS = { sub: "shop", exp: 4_102_444_800 };

/** A token that is signed in each way with a shared secret, and one that is with a key behind an address. */
export const world: VerifierWorld = {
  examples: (Object.keys(HASHES) as HmacName[]).map(exampleOf),
  senders: [secretSender(), publishedKeySender()],
};

function exampleOf(algorithm: HmacName): VerifierExample {
  return {
    variant: `with ${algorithm}`,
    configWith: (secret) => ({ secret: longEnough(secret), algorithm }),
    configWithSeveral: (secrets) => ({ secret: secrets.map(longEnough), algorithm }),
    header: "authorization",
    credentialsFor: (secret) => `Bearer ${tokenOf(algorithm, longEnough(secret))}`,
    ignoresCase: false,
  };
}

function tokenOf(alg: HmacName, secret: string): string {
  return hmacToken(secret, CLAIMS, { alg, typ: "JWT" }, HASHES[alg]);
}

function secretSender(): SenderWorld {
  const secret = longEnough("Correct-Horse-Battery-Staple-1");
  const jwt = { secret };
  return { variant: "with HS256", open: () => Promise.resolve(senderOf(jwt, tokenOf("HS256", secret))) };
}

function publishedKeySender(): SenderWorld {
  return {
    variant: "with ES256 and jwks_url",
    async open() {
      const issuer = await TestIssuer.start();
      const key = ecKey();
      issuer.publish(key);
      const jwt = { jwks_url: issuer.url, allowed_hosts: ["127.0.0.1"] };
      return {
        ...senderOf(jwt, keyToken(key, "ES256", CLAIMS, { kid: "0" })),
        [Symbol.asyncDispose]: () => issuer[Symbol.asyncDispose](),
      };
    },
  };
}

function senderOf(jwt: object, token: string): Awaited<ReturnType<SenderWorld["open"]>> {
  return {
    webhook: { jwt },
    sign: (request) => ({ ...request, headers: [...request.headers, ["authorization", `Bearer ${token}`]] }),
    meaning: (_, value) => value.replace(/^bearer +/i, "Bearer "),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
