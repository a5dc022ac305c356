/**
 * The verifier `oauth2`: an access token in the Authorization header (RFC 6750), which the issuer is asked about
 * (RFC 7662) or which is signed (RFC 9068).
 *
 * @module
 */

import { secretFingerprint } from "../crypto/constant_time.ts";
import { BearerScheme } from "../jose/bearer.ts";
import { ClaimsRule } from "../jose/claims.ts";
import { FixedKeys } from "../jose/fixed_keys.ts";
import { RemoteKeySource } from "../jose/remote_keys.ts";
import { type Claims, MAX_TOKEN } from "../jose/token.ts";
import { type KeySource, TokenVerifier } from "../jose/token_verifier.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import {
  DEFAULT_ALGORITHMS,
  type OAuth2Config,
  oauth2ConfigSchema,
  oauth2Notices,
} from "../oauth2/config.ts";
import {
  type IntrospectedClaims,
  Introspection,
  type IntrospectionOptions,
} from "../oauth2/introspection.ts";
import { missingScopes } from "../oauth2/scopes.ts";
import { askedServers } from "../servers/server_fields.ts";
import { nameOf } from "../servers/auth_servers.ts";
import type { Shared } from "../servers/shared_values.ts";
import type { HeadVerifier, Refusal, RequestToVerify, VerifierKind } from "../verifier.ts";

/** `oauth2`: the Authorization header has an access token. */
export const oauth2: VerifierKind<OAuth2Config> = {
  key: "oauth2",
  configSchema: oauth2ConfigSchema,
  example: {
    introspection_endpoint: "https://login.example.com/introspect",
    client_id: "gateway",
    client_secret: "{$LOGIN_SECRET}",
    required_scope: ["orders:write"],
  },
  notes: [
    "With `introspection_endpoint` the issuer is asked about each token, and its answer is good for `cache_ttl`",
    "seconds; in the last third of them it is asked again in the background, so that a token in use does not wait.",
    "That a token is not good is remembered for ten seconds. What the answer says of `exp`, `nbf`, `iss` and",
    "`aud` is checked too; one without `exp`, or with an audience where none is configured, passes, as the issuer",
    "has judged it. An issuer that does not answer within five seconds, or not with what RFC 7662 says, is 503",
    "`authentication_unavailable`, and so is one that more than 256 unknown tokens wait for. Their senders take turns,",
    "by address: one that sends very many waits for itself.",
    "",
    "With `jwt_secret` or `jwks_url` tokens are verified as those of `jwt`, `exp` and `aud` included. Shared secrets",
    "and public keys are never taken for each other, whatever `jwt_algorithms` lists.",
    "",
    'A token that is not good is 401 with `error="invalid_token"`, and one without a required scope 403 with',
    '`error="insufficient_scope"` (RFC 6750). Addresses begin with `https:` and are public ones, unless',
    "`allowed_hosts` names them.",
  ],
  notices: oauth2Notices,
  servers: ({ introspection, keys }) =>
    askedServers([["introspection_endpoint", introspection?.endpoint], ["jwks_url", keys]]),
  compile: (config) => lazyVerifier("head", verifierOf, config),
};

function verifierOf(config: OAuth2Config): HeadVerifier {
  const { introspection } = config;
  const bearer = new BearerScheme(config.token_type);
  const refuseScope = scopeRule(bearer, config.required_scope);
  if (introspection !== undefined) {
    return new AskingVerifier(bearer, introspection, new ClaimsRule(config, "server"), refuseScope);
  }
  const keys = keySourceOf(config);
  return new TokenVerifier({ bearer, keys, rule: new ClaimsRule(config), refuseClaims: refuseScope });
}

/** Which scopes a token lacks. */
type ScopeRule = (claims: Claims) => Refusal | undefined;

function scopeRule(bearer: BearerScheme, required: readonly string[]): ScopeRule {
  const refusal = bearer.refuseScope("The token has not all of the required scopes", required);
  return (claims) => missingScopes(claims, required).length === 0 ? undefined : refusal;
}

function keySourceOf({ jwt_secret, keys: server, jwt_algorithms: algorithms }: OAuth2Config): KeySource {
  if (server !== undefined) return new RemoteKeySource({ server, algorithms });
  if (jwt_secret === undefined) throw new TypeError("The configuration names no keys");
  return new FixedKeys(algorithms ?? DEFAULT_ALGORITHMS, jwt_secret);
}

/** `b64token` of RFC 6750, section 2.1. */
const TOKEN = /^[0-9A-Za-z\-._~+/]+=*$/;

/** Asks the issuer. All webhooks that ask as the same client share what is known of tokens. */
class AskingVerifier implements HeadVerifier {
  readonly reads = "head";
  readonly #bearer: BearerScheme;
  readonly #options: IntrospectionOptions;
  readonly #rule: ClaimsRule;
  readonly #refuseScope: ScopeRule;
  readonly #malformed: Refusal;
  readonly #inactive: Refusal;
  #shared: Shared<Introspection> | undefined;

  constructor(bearer: BearerScheme, options: IntrospectionOptions, rule: ClaimsRule, refuseScope: ScopeRule) {
    this.#bearer = bearer;
    this.#options = options;
    this.#rule = rule;
    this.#refuseScope = refuseScope;
    this.#malformed = bearer.refuse("What is presented has not the form of a token");
    this.#inactive = bearer.refuse("The issuer says that the token is not active");
  }

  verify(request: RequestToVerify): Refusal | undefined | Promise<Refusal | undefined> {
    const { headers, servers, clientAddresses, peerAddress } = request;
    const token = this.#bearer.tokenOf(headers);
    if (typeof token !== "string") return token;
    if (token.length > MAX_TOKEN || !TOKEN.test(token)) return this.#malformed;
    this.#shared ??= servers.share(keyOf(this.#options), () => new Introspection(this.#options, servers));
    const claims = this.#shared.value.claimsOf(token, () => clientAddresses.senderOf(peerAddress, headers));
    return claims instanceof Promise ? claims.then((later) => this.#judge(later)) : this.#judge(claims);
  }

  release(): void {
    this.#shared?.release();
    this.#shared = undefined;
  }

  #judge(claims: IntrospectedClaims): Refusal | undefined {
    if (claims === undefined) return this.#inactive;
    const reason = this.#rule.refuse(claims, Date.now() / 1000);
    return reason === undefined ? this.#refuseScope(claims) : this.#bearer.refuse(reason);
  }
}

function keyOf({ endpoint, client, ttl }: IntrospectionOptions): string {
  const { protocol, path, policy } = endpoint;
  const secret = client === undefined ? undefined : secretFingerprint(client.secret);
  return JSON.stringify([
    "introspection",
    protocol,
    nameOf(endpoint),
    path,
    policy.key,
    client?.id,
    secret,
    ttl,
  ]);
}
