import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";

const HASHES = { HS256: "sha256", HS384: "sha384", HS512: "sha512" } as const;

/** What makes a secret of any length as long as the longest hash; white space stays where it is, and blank stays blank. */
const LENGTH = "a-key-as-long-as-the-longest-hash-which-has-64-bytes-";

/** A token that is signed in each way with a shared secret. */
export const world: VerifierWorld = {
  examples: (Object.keys(HASHES) as (keyof typeof HASHES)[]).map(exampleOf),
  senders: "examples",
};

function exampleOf(algorithm: keyof typeof HASHES): VerifierExample {
  return {
    variant: `with ${algorithm}`,
    configWith: (secret) => ({ secret: longEnough(secret), algorithm }),
    configWithSeveral: (secrets) => ({ secret: secrets.map(longEnough), algorithm }),
    header: "authorization",
    credentialsFor: (secret) => `Bearer ${signedToken(algorithm, longEnough(secret))}`,
    ignoresCase: false,
    meaning: (credentials) => credentials.replace(/^bearer +/i, "Bearer "),
  };
}

function longEnough(secret: string): string {
  return secret.trim() === "" ? secret : LENGTH + secret;
}

/** Written down by hand, so that gateway and test do not share a mistake. */
function signedToken(algorithm: keyof typeof HASHES, secret: string): string {
  const parts = [{ alg: algorithm, typ: "JWT" }, { sub: "shop", exp: 4_102_444_800 }];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${signed}.${createHmac(HASHES[algorithm], secret).update(signed).digest("base64url")}`;
}
