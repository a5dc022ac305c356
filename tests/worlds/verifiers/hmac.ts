import { createHmac } from "node:crypto";
import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";

const ALGORITHMS = ["sha256", "sha1", "sha512"] as const;
const ENCODINGS = ["hex", "base64"] as const;

/** Every algorithm in every encoding, and a signature as GitHub writes it. */
export const world: VerifierWorld = {
  examples: [
    ...ALGORITHMS.flatMap((algorithm) => ENCODINGS.map((encoding) => exampleOf(algorithm, encoding))),
    {
      variant: "with the algorithm before the signature",
      configWith: (secret) => ({ secret, header: "X-Hub-Signature-256" }),
      configWithSeveral: (secret) => ({ secret, header: "X-Hub-Signature-256" }),
      header: "X-Hub-Signature-256",
      credentialsFor: (secret, body) => `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
      ignoresCase: false,
      meaning: (credentials) => credentials.replace(/^sha256=/, "").toLowerCase(),
    },
  ],
  senders: "examples",
};

function exampleOf(
  algorithm: typeof ALGORITHMS[number],
  encoding: typeof ENCODINGS[number],
): VerifierExample {
  return {
    variant: `with ${algorithm} in ${encoding}`,
    configWith: (secret) => ({ secret, algorithm }),
    configWithSeveral: (secret) => ({ secret, algorithm }),
    header: "X-HMAC-Signature",
    credentialsFor: (secret, body) => createHmac(algorithm, secret).update(body).digest(encoding),
    ignoresCase: encoding === "hex",
    meaning: (credentials) => {
      const signature = credentials.replace(`${algorithm}=`, "");
      return encoding === "hex" ? signature.toLowerCase() : signature.replace(/=+$/, "");
    },
  };
}
