/**
 * The verifier `jwt`: a signed token in the Authorization header (RFC 7519, RFC 6750).
 *
 * @module
 */

import { z } from "zod";
import { allowedHostsField, urlField } from "../../io/destination_fields.ts";
import type { Destination } from "../../io/http_client.ts";
import { reportAt } from "../../schema/fields.ts";
import { ALGORITHM_LIST, algorithmField, type AlgorithmName, isHmac } from "../jose/algorithms.ts";
import { BearerScheme } from "../jose/bearer.ts";
import { type ClaimsConfig, claimsFields, claimsNotices, ClaimsRule } from "../jose/claims.ts";
import { FixedKeys, keysField, refuseKeys } from "../jose/fixed_keys.ts";
import { RemoteKeySource } from "../jose/remote_keys.ts";
import { type KeySource, TokenVerifier } from "../jose/token_verifier.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import { askedServers, parseServer } from "../servers/server_fields.ts";
import type { Secrets } from "../several_secrets.ts";
import type { HeadVerifier, VerifierKind } from "../verifier.ts";

const DEFAULT_ALGORITHM = "HS256";

/** The compiled value of the key `jwt`. */
export interface JwtConfig extends ClaimsConfig {
  /** The keys; `undefined` where they are behind an address. */
  readonly secret: Secrets | undefined;
  readonly keys: Destination | undefined;
  /** @default "HS256" with a secret, and what the keys say behind an address */
  readonly algorithm: AlgorithmName | undefined;
}

const fields = z.strictObject({
  secret: keysField(
    "The key that issuer and gateway share, for HS256 and its kind; for the others the issuer's public key in PEM.",
  ).optional(),
  jwks_url: urlField().optional().meta({
    description: "Instead of `secret`: where the issuer publishes its keys (JWK Set, RFC 7517).",
  }),
  allowed_hosts: allowedHostsField(),
  algorithm: algorithmField().optional().meta({
    description: `How tokens are signed: ${ALGORITHM_LIST}, in any case. ` +
      "Default: `HS256`; with `jwks_url` what each key names, and otherwise `RS256`, `ES…` by the curve, or `EdDSA`.",
  }),
  ...claimsFields(),
});

type Fields = z.output<typeof fields>;

const configSchema: z.ZodType<JwtConfig> = fields.transform((given, issues): JwtConfig => {
  const { jwks_url, allowed_hosts, ...config } = given;
  const keys = jwks_url === undefined ? undefined : parseServer("jwks_url", jwks_url, allowed_hosts, issues);
  const problem = refuseFields(given);
  if (problem !== undefined) reportAt(issues, ...problem);
  return { ...config, secret: config.secret, algorithm: config.algorithm, keys };
}).meta({ description: "A signed token in the `Authorization` header (JWT, RFC 7519)." });

function refuseFields({ secret, jwks_url, algorithm }: Fields): [key: string, message: string] | undefined {
  if (secret === undefined && jwks_url === undefined) return ["secret", "Expected 'secret' or 'jwks_url'"];
  if (secret === undefined) {
    if (algorithm === undefined || !isHmac(algorithm)) return undefined;
    return ["algorithm", "Keys that are published are no shared secrets: expected RS, PS, ES or EdDSA"];
  }
  if (jwks_url !== undefined) return ["jwks_url", "Expected either 'secret' or 'jwks_url'"];
  const refusal = refuseKeys([algorithm ?? DEFAULT_ALGORITHM], secret);
  return refusal === undefined ? undefined : ["secret", refusal];
}

/** `jwt`: the Authorization header has a token that was signed with one of the keys. */
export const jwt: VerifierKind<JwtConfig> = {
  key: "jwt",
  configSchema,
  example: { secret: "{$SHOP_JWT_KEY}", issuer: "https://shop.example.com", audience: "orders" },
  notes: [
    "Senders present it as `Authorization: Bearer …`. Signature, `exp`, `nbf` and `iat` are checked, and `iss` and",
    "`aud` as configured. A token with an audience is refused where none is configured, and one without `exp`",
    "unless `verify_exp` is `false` (the Python service took both). The algorithm is the configured one whatever",
    "the token says, and each key is good for its own type only. HMAC keys have the length of the hash at least,",
    "RSA keys 2,048 bits. A refusal is 401 with a `Bearer` challenge (RFC 6750).",
    "",
    "Keys behind `jwks_url` are read at the first request, and again after five minutes or when a token names one",
    "that is not there, at most every ten seconds. While the server cannot be asked they serve for an hour; after",
    "that, and before they were read once, the answer is 503 `authentication_unavailable`. The address begins with",
    "`https:` and is a public one, unless `allowed_hosts` names it.",
    "",
    "Tokens that passed are remembered until they expire: 16 of a webhook, and 256 where the keys are public, since",
    "checking with those takes up to some milliseconds. When tokens that were not seen before take more than a",
    "quarter of the time, the rest of them get 503 too.",
  ],
  notices: claimsNotices,
  servers: ({ keys }) => askedServers([["jwks_url", keys]]),
  compile: (config) => lazyVerifier("head", verifierOf, config),
};

function verifierOf(config: JwtConfig): HeadVerifier {
  const keys = keySourceOf(config);
  return new TokenVerifier({ bearer: new BearerScheme(), keys, rule: new ClaimsRule(config) });
}

function keySourceOf({ secret, keys: server, algorithm }: JwtConfig): KeySource {
  if (server !== undefined) {
    return new RemoteKeySource({ server, algorithms: algorithm === undefined ? undefined : [algorithm] });
  }
  if (secret === undefined) throw new TypeError("The configuration names no keys");
  return new FixedKeys([algorithm ?? DEFAULT_ALGORITHM], secret);
}
