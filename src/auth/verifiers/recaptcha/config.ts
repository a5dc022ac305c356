/**
 * The configuration of `recaptcha`.
 *
 * @module
 */

import { z } from "zod";
import { allowedHostsField, urlField } from "../../../io/destination_fields.ts";
import type { Destination } from "../../../io/http_client.ts";
import { numberField, reportAt } from "../../../schema/fields.ts";
import { parseServer } from "../../servers/server_fields.ts";
import { type Secrets, secretsField } from "../../several_secrets.ts";
import { HEADER_NAME } from "../../../schema/header_names.ts";

/** The compiled value of the key `recaptcha`. */
export interface RecaptchaConfig {
  readonly secret_key: Secrets;
  readonly version: "v2" | "v3";
  readonly token_source: "header" | "body";
  readonly token_field: string;
  /** Looked at with `v3`. */
  readonly min_score: number | undefined;
  /** In lower case; `undefined` for any. */
  readonly hostnames: readonly string[] | undefined;
  /** `undefined` for any. */
  readonly action: string | undefined;
  readonly server: Destination | undefined;
}

const DEFAULT_HEADER = "X-Recaptcha-Token";
const DEFAULT_MIN_SCORE = 0.5;
const GOOGLE = "https://www.google.com/recaptcha/api/siteverify";

const fields = z.strictObject({
  secret_key: secretsField("The secret key that belongs to the site's key."),
  version: z.string().toLowerCase().pipe(z.enum(["v2", "v3"])).default("v3").meta({
    description: "`v3` looks at the score, `v2` does not: for hCaptcha and Turnstile too.",
  }),
  token_source: z.string().toLowerCase().pipe(z.enum(["header", "body"])).default("header").meta({
    description:
      "Where the token stands: `header`, or `body` for a member of a JSON object or a field of a form.",
  }),
  token_field: z.string().min(1).max(200).default(DEFAULT_HEADER).meta({
    description:
      "The header's, member's or field's name. In a body `recaptcha_token`, `recaptcha` and `g-recaptcha-response` are looked for after it.",
  }),
  min_score: numberField(0, 1).optional().meta({
    description: `With \`v3\`: the least score, 0 to 1. Default: ${DEFAULT_MIN_SCORE}.`,
  }),
  hostnames: z.array(z.string().min(1).toLowerCase()).min(1).optional().meta({
    description: "The sites that tokens may come from, without ports. Default: what the service allows.",
  }),
  action: z.string().min(1).optional().meta({
    description: "The action that a token must have been made for. Default: any.",
  }),
  verify_url: urlField().default(GOOGLE).meta({
    description: "Where tokens are verified, for other services of the same kind.",
  }),
  allowed_hosts: allowedHostsField(),
});

/** The schema of the key `recaptcha`. */
export const configSchema: z.ZodType<RecaptchaConfig> = fields.transform((given, issues): RecaptchaConfig => {
  const { verify_url, allowed_hosts, ...config } = given;
  if (given.token_source === "header" && !HEADER_NAME.test(given.token_field)) {
    reportAt(issues, "token_field", "Must be the name of a header");
  }
  return {
    ...config,
    min_score: given.min_score ?? (given.version === "v3" ? DEFAULT_MIN_SCORE : undefined),
    hostnames: given.hostnames,
    action: given.action,
    server: parseServer("verify_url", verify_url, allowed_hosts, issues),
  };
}).meta({ description: "A token of reCAPTCHA, or of a service of the same kind, which is asked about it." });
