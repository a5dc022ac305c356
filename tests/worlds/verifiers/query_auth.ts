import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";

/** The default, and a parameter of its own with a key in any case that has to be encoded. */
export const world: VerifierWorld = {
  examples: [
    exampleOf("with defaults", "api_key", "", {}),
    exampleOf("in any case", "shop.key", "a+b %ä&=", { parameter_name: "shop.key", case_sensitive: false }),
  ],
  senders: "examples",
};

function exampleOf(
  variant: string,
  parameter: string,
  before: string,
  config: { readonly parameter_name?: string; readonly case_sensitive?: boolean },
): VerifierExample {
  const keyOf = (secret: string) => secret.trim() === "" ? secret : before + secret;
  return {
    variant,
    configWith: (secret) => ({ ...config, api_key: keyOf(secret) }),
    configWithSeveral: (secrets) => ({ ...config, api_key: secrets.map(keyOf) }),
    place: "query",
    header: parameter,
    credentialsFor: (secret) => before + secret,
    ignoresCase: config.case_sensitive === false,
  };
}
