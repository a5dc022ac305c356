/**
 * The configuration of `oauth1`.
 *
 * @module
 */

import { z } from "zod";
import { booleanField, integerField, secretField } from "../../../schema/fields.ts";
import { type Secrets, secretsField } from "../../several_secrets.ts";
import type { Notice } from "../../verifier.ts";
import { isRsa, refusePublicKey, SIGNATURE_METHODS, type SignatureMethod } from "./signatures.ts";

/** The compiled value of the key `oauth1`. */
export interface OAuth1Config {
  readonly consumer_key: string;
  readonly consumer_secret?: Secrets | undefined;
  readonly token?: string | undefined;
  readonly token_secret?: Secrets | undefined;
  readonly rsa_public_key?: Secrets | undefined;
  /** @default "HMAC-SHA1" */
  readonly signature_method: SignatureMethod;
  /** @default true */
  readonly verify_timestamp: boolean;
  /** In seconds. @default 300 */
  readonly timestamp_window: number;
  /** @default true */
  readonly verify_nonce: boolean;
  /** @default false */
  readonly require_body_hash: boolean;
}

/** The schema of the key `oauth1`. */
export const configSchema: z.ZodType<OAuth1Config> = z.strictObject({
  consumer_key: secretField().meta({ description: "The client's name: `oauth_consumer_key`." }),
  consumer_secret: secretsField("The client's secret, with `HMAC-…` and `PLAINTEXT`.").optional(),
  token: secretField().optional().meta({
    description: "The `oauth_token` that requests must have. Default: any or none.",
  }),
  token_secret: secretsField("The token's secret. Left out, it is empty.").optional(),
  rsa_public_key: secretsField("The client's public key in PEM, with `RSA-…`.", publicKeyField()).optional(),
  signature_method: signatureMethodField().default("HMAC-SHA1").meta({
    description: `How requests are signed: \`${
      SIGNATURE_METHODS.join("`, `")
    }\`, in any case. No other is taken.`,
  }),
  verify_timestamp: booleanField().default(true).meta({
    description: "Whether a request must be of this time.",
  }),
  timestamp_window: integerField(1, 86_400).default(300).meta({
    description: "How far its timestamp may be from the gateway's clock, both ways, in seconds.",
  }),
  verify_nonce: booleanField().default(true).meta({
    description: "Whether a request that comes again is refused.",
  }),
  require_body_hash: booleanField().default(false).meta({
    description:
      "Whether a body that is not a form must be signed too, by `oauth_body_hash`. Where that is sent it is verified in any case.",
  }),
}).superRefine(refuseContradictions).meta({
  description: "A request that its client has signed by OAuth 1.0 (RFC 5849).",
});

/** Files of keys end in a line end, and variables often have `\n` in the place of one. */
function publicKeyField(): z.ZodType<string, string> {
  return z.string().transform((text) => text.replaceAll("\\n", "\n").trim()).superRefine((pem, context) => {
    const message = refusePublicKey(pem);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}

function signatureMethodField(): z.ZodType<SignatureMethod, string> {
  return z.string().transform((text, context): SignatureMethod => {
    const known = SIGNATURE_METHODS.find((method) => method === text.toUpperCase());
    if (known !== undefined) return known;
    context.addIssue({ code: "custom", message: `Must be one of ${SIGNATURE_METHODS.join(", ")}` });
    return z.NEVER;
  });
}

/** A public key is never a shared secret: each method reads its own. */
function refuseContradictions(config: OAuth1Config, context: z.RefinementCtx): void {
  const { signature_method: method } = config;
  const [wanted, others] = isRsa(method)
    ? ["rsa_public_key", ["consumer_secret", "token_secret"]] as const
    : ["consumer_secret", ["rsa_public_key"]] as const;
  if (config[wanted] === undefined) {
    context.addIssue({ code: "custom", path: [wanted], message: `Must be given with ${method}` });
  }
  for (const other of others) {
    if (config[other] === undefined) continue;
    context.addIssue({ code: "custom", path: [other], message: `Is not read with ${method}` });
  }
}

/** What `cwm check` warns of. */
export function noticesOf(config: OAuth1Config): readonly Notice[] {
  const notices: Notice[] = [];
  const warn = (path: string, message: string) => notices.push({ path, message });
  if (config.signature_method === "PLAINTEXT") {
    warn("signature_method", "PLAINTEXT sends the secrets themselves, and signs nothing: use HMAC-SHA256");
  }
  if (!config.verify_nonce) warn("verify_nonce", "A request that somebody has heard can be sent again");
  if (!config.verify_timestamp) {
    warn(
      "verify_timestamp",
      "A request that somebody has heard can be sent again once its nonce is forgotten",
    );
  }
  return notices;
}
