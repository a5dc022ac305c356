import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";

/** One value a scheme, and one without any. */
export const world: VerifierWorld = {
  examples: ["Bearer ", "Basic ", ""].map(exampleOf),
  senders: "examples",
};

function exampleOf(scheme: string): VerifierExample {
  return {
    variant: `with '${scheme}'`,
    configWith: (secret) => `${scheme}${secret}`,
    configWithSeveral: (secrets) => secrets.map((secret) => `${scheme}${secret}`),
    header: "authorization",
    credentialsFor: (secret) => `${scheme}${secret}`,
    ignoresCase: false,
  };
}
