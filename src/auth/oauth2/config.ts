/**
 * The key `oauth2` of a webhook: its schema, and its compiled form.
 *
 * @module
 */

import { z } from "zod";
import { allowedHostsField, urlField } from "../../io/destination_fields.ts";
import type { Destination } from "../../io/http_client.ts";
import { booleanField, integerField, reportAt, secretField } from "../../schema/fields.ts";
import { ALGORITHM_LIST, algorithmField, type AlgorithmName, isHmac } from "../jose/algorithms.ts";
import { type ClaimsConfig, claimsFields, claimsNotices } from "../jose/claims.ts";
import { keysField, refuseKeys } from "../jose/fixed_keys.ts";
import { parseServer } from "../servers/server_fields.ts";
import type { Secrets } from "../several_secrets.ts";
import type { Notice } from "../verifier.ts";
import type { IntrospectionOptions } from "./introspection.ts";
import { scopesField } from "./scopes.ts";

/** The compiled value of the key. Of the three ways to know a token, one is there; the first of them counts. */
export interface OAuth2Config extends ClaimsConfig {
  /** The issuer is asked. */
  readonly introspection: IntrospectionOptions | undefined;
  /** Tokens are signed, and these are the keys. */
  readonly jwt_secret: Secrets | undefined;
  /** Tokens are signed, and the keys are there. */
  readonly keys: Destination | undefined;
  /** @default those of the Python service with `jwt_secret`, and what the keys say with `keys` */
  readonly jwt_algorithms: readonly AlgorithmName[] | undefined;
  /** What stands before the token. @default "Bearer" */
  readonly token_type: string;
  /** @default none */
  readonly required_scope: readonly string[];
}

/** Those of the Python service. Which of them it is depends on the key. */
export const DEFAULT_ALGORITHMS: readonly AlgorithmName[] = ["HS256", "RS256"];

/** A scheme: `token` of RFC 9110, section 5.6.2. */
const TOKEN_TYPE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const fields = z.strictObject({
  introspection_endpoint: urlField().optional().meta({
    description: "Where the issuer is asked about tokens (RFC 7662).",
  }),
  client_id: z.string().min(1).optional().meta({ description: "Who asks there." }),
  client_secret: secretField().optional().meta({ description: "The password of `client_id`." }),
  cache_ttl: integerField(0, 300).default(30).meta({
    description:
      "Seconds that an answer is good for, and never longer than the token. `0`: every request is asked about.",
  }),
  jwt_secret: keysField("Instead of asking: the key of tokens that are signed, as `secret` of `jwt`.")
    .optional(),
  jwks_url: urlField().optional().meta({
    description: "Instead of asking: where the keys of tokens that are signed are published, as with `jwt`.",
  }),
  jwt_algorithms: z.array(algorithmField()).min(1).optional().meta({
    description:
      `How tokens are signed: ${ALGORITHM_LIST}. Default: \`HS256\` or \`RS256\`, whichever the key is for; ` +
      "with `jwks_url` as with `jwt`.",
  }),
  allowed_hosts: allowedHostsField(),
  token_type: z.string().regex(TOKEN_TYPE, { error: "Not a scheme" }).default("Bearer").meta({
    description: "What stands before the token in the header, in any case.",
  }),
  required_scope: scopesField().default([]).meta({
    description: "Scopes that the token must have, all of them: a list, or a text with spaces between them.",
  }),
  validate_token: booleanField().default(true).meta({
    description: "Only `true` is taken: without validation any token would be let in.",
  }),
  ...claimsFields(),
});

type Fields = z.output<typeof fields>;

/** Where a problem is, and which it is. */
type Problem = readonly [key: string, message: string];

/** Strict schema that ends in the compiled form. */
export const oauth2ConfigSchema: z.ZodType<OAuth2Config> = fields.transform((given, issues): OAuth2Config => {
  const problem = refuseFields(given);
  if (problem !== undefined) reportAt(issues, ...problem);
  const serverOf = (key: "introspection_endpoint" | "jwks_url") => {
    const url = given[key];
    return url === undefined ? undefined : parseServer(key, url, given.allowed_hosts, issues);
  };
  const endpoint = serverOf("introspection_endpoint");
  const { issuer, audience, verify_exp, leeway, jwt_secret, jwt_algorithms, token_type, required_scope } =
    given;
  return {
    ...{ issuer, audience, verify_exp, leeway, jwt_secret, jwt_algorithms, token_type, required_scope },
    introspection: endpoint === undefined ? undefined : introspectionOf(endpoint, given),
    keys: serverOf("jwks_url"),
  };
}).meta({
  description:
    "An access token in the `Authorization` header, which its issuer is asked about (RFC 7662) or which is signed.",
});

function introspectionOf(endpoint: Destination, given: Fields): IntrospectionOptions {
  const { client_id: id, client_secret: secret, cache_ttl: ttl } = given;
  return { endpoint, client: id === undefined || secret === undefined ? undefined : { id, secret }, ttl };
}

function refuseFields(given: Fields): Problem | undefined {
  if (!given.validate_token) {
    return ["validate_token", "With false any token would be let in: remove the key, or 'oauth2' as a whole"];
  }
  if (given.introspection_endpoint === undefined) return refuseSigned(given);
  if (given.jwks_url !== undefined) {
    return ["jwks_url", "Expected either 'introspection_endpoint' or 'jwks_url'"];
  }
  const hasId = given.client_id !== undefined;
  if (hasId === (given.client_secret !== undefined)) return undefined;
  return hasId
    ? ["client_secret", "Expected with 'client_id'"]
    : ["client_id", "Expected with 'client_secret'"];
}

function refuseSigned({ jwt_secret, jwks_url, jwt_algorithms }: Fields): Problem | undefined {
  if (jwt_secret !== undefined && jwks_url !== undefined) {
    return ["jwks_url", "Expected either 'jwt_secret' or 'jwks_url'"];
  }
  if (jwt_secret !== undefined) {
    const refusal = refuseKeys(jwt_algorithms ?? DEFAULT_ALGORITHMS, jwt_secret);
    return refusal === undefined ? undefined : ["jwt_secret", refusal];
  }
  if (jwks_url === undefined) {
    return ["introspection_endpoint", "Expected 'introspection_endpoint', 'jwt_secret' or 'jwks_url'"];
  }
  if (jwt_algorithms === undefined || !jwt_algorithms.every(isHmac)) return undefined;
  return ["jwt_algorithms", "Keys that are published are no shared secrets: expected RS, PS, ES or EdDSA"];
}

/** What to know of a valid value. */
export function oauth2Notices(config: OAuth2Config): readonly Notice[] {
  const { introspection, jwt_secret, verify_exp } = config;
  if (introspection === undefined) return claimsNotices(config);
  const notices: Notice[] = [];
  if (jwt_secret !== undefined) {
    notices.push({ path: "jwt_secret", message: "It has no effect: 'introspection_endpoint' is asked" });
  }
  if (!verify_exp) notices.push({ path: "verify_exp", message: "Only the issuer's word ends a token" });
  return notices;
}
