import { Buffer } from "node:buffer";
import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";

/** A name in ASCII, and one that takes more bytes in UTF-8 than it has characters. */
export const world: VerifierWorld = { examples: ["shop", "Łódź"].map(exampleOf), senders: "examples" };

function exampleOf(username: string): VerifierExample {
  return {
    variant: `with the user '${username}'`,
    configWith: (password) => ({ username, password }),
    configWithSeveral: (password) => ({ username, password }),
    header: "authorization",
    credentialsFor: (password) => `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
    ignoresCase: false,
    meaning: (credentials) => credentials.replace(/^basic /i, "Basic "),
  };
}
