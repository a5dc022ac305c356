import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";

/** The default, and a header of its own with a key in any case. */
export const world: VerifierWorld = {
  examples: [
    exampleOf("with defaults", "X-API-Key", {}),
    exampleOf("in any case", "X-Shop-Key", { header_name: "x-shop-key", case_sensitive: false }),
  ],
  senders: "examples",
};

function exampleOf(
  variant: string,
  header: string,
  config: { readonly header_name?: string; readonly case_sensitive?: boolean },
): VerifierExample {
  return {
    variant,
    configWith: (secret) => ({ ...config, api_key: secret }),
    configWithSeveral: (secret) => ({ ...config, api_key: secret }),
    header,
    credentialsFor: (secret) => secret,
    ignoresCase: config.case_sensitive === false,
  };
}
