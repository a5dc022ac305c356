import { createHmac } from "node:crypto";
import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";

type Body = Uint8Array<ArrayBuffer>;

/** A provider that signs the body, one that signs a time with it, and a scheme that is given as data. */
export const world: VerifierWorld = {
  examples: [
    exampleOf("of jira", { provider: "jira" }, "X-Hub-Signature", (secret, body) => {
      return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
    }),
    exampleOf("of line", { provider: "line" }, "x-line-signature", (secret, body) => {
      return createHmac("sha256", secret).update(body).digest("base64");
    }),
    exampleOf("of stripe", { provider: "stripe" }, "Stripe-Signature", (secret, body) => {
      const time = Math.floor(Date.now() / 1000);
      const digest = createHmac("sha256", secret).update(`${time}.`).update(body).digest("hex");
      return writtenByStripe(`t=${time},v1=${digest}`);
    }, signedByStripe),
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
  meaning: (credentials: string) => string = (credentials) => credentials,
): VerifierExample {
  return {
    variant,
    configWith: (secret) => ({ ...config, secret }),
    configWithSeveral: (secret) => ({ ...config, secret }),
    header,
    credentialsFor,
    ignoresCase: false,
    meaning,
  };
}

/** What has been signed in Stripe's way. */
const signed = new Set<string>();

function writtenByStripe(credentials: string): string {
  signed.add(credentials);
  return credentials;
}

/** What was signed, where it stands in a list in any order, beside what Stripe may add: more signatures and versions. */
function signedByStripe(credentials: string): string {
  const parts = credentials.split(",").map((part) => part.trim());
  const found = parts.flatMap((time) => parts.map((signature) => `${time},${signature}`));
  const times = parts.filter((part) => part.startsWith("t="));
  return (times.length === 1 ? found.find((pair) => signed.has(pair)) : undefined) ?? credentials;
}
