import { createHmac } from "node:crypto";
import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";

type Body = Uint8Array<ArrayBuffer>;

/** A provider that signs the body, one that signs a time with it, and a scheme that is given as data. */
export const world: VerifierWorld = {
  examples: [
    exampleOf("of github", { provider: "github" }, "X-Hub-Signature-256", (secret, body) => {
      return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
    }),
    exampleOf("of line", { provider: "line" }, "x-line-signature", (secret, body) => {
      return createHmac("sha256", secret).update(body).digest("base64");
    }),
    exampleOf("of stripe", { provider: "stripe" }, "Stripe-Signature", (secret, body) => {
      const time = Math.floor(Date.now() / 1000);
      return `t=${time},v1=${createHmac("sha256", secret).update(`${time}.`).update(body).digest("hex")}`;
    }),
    exampleOf(
      "by a scheme",
      { scheme: { signature: { at: "X-Shop-Signature", encoding: "base64url" }, algorithm: "hmac-sha512" } },
      "X-Shop-Signature",
      (secret, body) => createHmac("sha512", secret).update(body).digest("base64url"),
    ),
  ],
  senders: "examples",
};

function exampleOf(
  variant: string,
  config: Readonly<Record<string, unknown>>,
  header: string,
  credentialsFor: (secret: string, body: Body) => string,
): VerifierExample {
  return {
    variant,
    configWith: (secret) => ({ ...config, secret }),
    configWithSeveral: (secret) => ({ ...config, secret }),
    header,
    credentialsFor,
    ignoresCase: false,
  };
}
