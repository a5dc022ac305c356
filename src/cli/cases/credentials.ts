/**
 * Gives a request what a sender would give it that knows the credentials of its webhook.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { isHmac } from "../../auth/jose/algorithms.ts";
import { signAs, withEventType } from "../../auth/providers/signing.ts";
import { requestTarget } from "../../auth/public_url.ts";
import type { VerifierKind } from "../../auth/verifier.ts";
import { secretsIn, type SignatureConfig, signatureSchema } from "../../auth/signature/settings.ts";
import { CannotSignError, type SentRequest, signRequest } from "../../auth/signature/sign.ts";
import type { Secrets } from "../../auth/several_secrets.ts";
import { authorization } from "../../auth/verifiers/authorization.ts";
import { basicAuth } from "../../auth/verifiers/basic_auth.ts";
import { headerAuth } from "../../auth/verifiers/header_auth.ts";
import { hmac } from "../../auth/verifiers/hmac.ts";
import { jwt } from "../../auth/verifiers/jwt.ts";
import { queryAuth } from "../../auth/verifiers/query_auth.ts";
import { verifierKinds } from "../../auth/registry.ts";
import { withAddedQuery } from "../signatures/sign.ts";
import type { SignOptions } from "./case_file.ts";
import { lowerCased, type PreparedRequest } from "./request.ts";

/** A webhook as configured, with its references replaced. */
export type WebhookValue = Readonly<Record<string, unknown>>;

/** Adds to a request what one method asks for. */
type Adder = (
  value: unknown,
  request: PreparedRequest,
  options: SignOptions,
) => PreparedRequest | Promise<PreparedRequest>;

/** By the keys of methods. Of several secrets it is the first. */
const ADDERS: Readonly<Record<string, Adder>> = {
  signature: addSignature,
  hmac: using(hmac, ({ secret, header, algorithm, encoding = "hex" }, request) => {
    const digest = createHmac(algorithm, firstOf(secret)).update(request.body).digest(encoding);
    return withHeaders(request, { [header]: `${algorithm}=${digest}` });
  }),
  authorization: using(
    authorization,
    (expected, request) => withHeaders(request, { authorization: firstOf(expected) }),
  ),
  basic_auth: using(basicAuth, ({ username, password }, request) => {
    const credentials = new TextEncoder().encode(`${username}:${firstOf(password)}`).toBase64();
    return withHeaders(request, { authorization: `Basic ${credentials}` });
  }),
  header_auth: using(
    headerAuth,
    ({ header_name, api_key }, request) => withHeaders(request, { [header_name]: firstOf(api_key) }),
  ),
  jwt: using(jwt, ({ secret, algorithm = "HS256", issuer, audience }, request) => {
    if (secret === undefined || !isHmac(algorithm)) {
      throw new CannotSignError("It is not known how to sign for 'jwt' with a public key: give the headers");
    }
    const token = tokenOf({ iss: issuer?.[0], aud: audience?.[0] }, algorithm, firstOf(secret));
    return withHeaders(request, { authorization: `Bearer ${token}` });
  }),
  query_auth: using(queryAuth, ({ parameter_name, api_key }, request) => {
    const parameter = new URLSearchParams({ [parameter_name]: firstOf(api_key) });
    return { ...request, url: `${request.url}${request.url.includes("?") ? "&" : "?"}${parameter}` };
  }),
};

/** How long a token is good, in seconds. */
const TOKEN_SECONDS = 300;

/** Methods that say nothing of what a sender has to know. */
const WITHOUT_CREDENTIALS = ["ip_whitelist"];

/**
 * Signs a request for each method of its webhook.
 *
 * @param publicUrl where senders reach the gateway, for methods that sign the URL
 * @throws {CannotSignError} when that cannot be done for one of them, or the webhook asks for nothing
 */
export async function withCredentials(
  webhook: WebhookValue,
  request: PreparedRequest,
  options: SignOptions,
  publicUrl: string | undefined,
): Promise<PreparedRequest> {
  const keys = verifierKinds.map(({ key }) => key)
    .filter((key) => webhook[key] !== undefined && !WITHOUT_CREDENTIALS.includes(key));
  if (keys.length === 0) throw new CannotSignError("The webhook has no method that could be signed for");
  const url = options.url ?? (publicUrl === undefined ? undefined : publicUrl + requestTarget(request.url));
  let signed = request;
  for (const key of keys) {
    const add = ADDERS[key];
    if (add === undefined) {
      throw new CannotSignError(`It is not known how to sign for '${key}': give the headers`);
    }
    signed = await add(webhook[key], signed, url === undefined ? options : { ...options, url });
  }
  return signed;
}

function using<Config>(
  { key, configSchema }: VerifierKind<Config>,
  add: (config: Config, request: PreparedRequest) => PreparedRequest,
): Adder {
  return (value, request) => {
    const parsed = configSchema.safeParse(value);
    if (!parsed.success) throw new CannotSignError(`The webhook's '${key}' has problems of its own`);
    return add(parsed.data, request);
  };
}

/** As `cwm sign` does, with the webhook's own secret unless there is another one. */
async function addSignature(
  value: unknown,
  request: PreparedRequest,
  options: SignOptions,
): Promise<PreparedRequest> {
  const parsed = signatureSchema.safeParse(value);
  if (!parsed.success) throw new CannotSignError("The webhook's 'signature' has problems of its own");
  const { settings } = parsed.data;
  const url = options.url ?? settings.public_url ?? request.url;
  const toSign = {
    method: request.method,
    url,
    body: request.body,
    now: Date.now() - (options.age ?? 0) * 1000,
    id: options.id ?? crypto.randomUUID(),
  };
  const typed = options.event === undefined || settings.provider === undefined
    ? { request: toSign, headers: {} }
    : withEventType(settings.provider, options.event, toSign);
  const sent = await signedBy(parsed.data, options, typed.request);
  const headers = lowerCased({ ...sent.headers, ...typed.headers });
  return {
    method: sent.method,
    url: withAddedQuery(request.url, url, sent.url),
    headers: { ...request.headers, ...headers },
    body: sent.body,
  };
}

async function signedBy(
  config: SignatureConfig,
  options: SignOptions,
  request: Parameters<typeof signRequest>[2],
): Promise<SentRequest> {
  const { provider, schemes, settings, names } = config;
  const isPublic = provider?.secret === "public_key" || provider?.secret === "none" ||
    schemes.some(({ algorithm }) => algorithm === "ed25519" || algorithm === "ecdsa-p256-sha256");
  const own = isPublic ? undefined : secretsIn(config.secret)[0];
  const secret = options.private_key ?? options.secret ?? own;
  if (secret === undefined) {
    throw new CannotSignError("The provider signs with a private key: give one in PEM as 'private_key'");
  }
  const keyName = options.key ?? names?.[0];
  if (settings.provider === undefined) return signRequest(schemes[0]!, secret, request, keyName);
  return await signAs(settings.provider, { secret, keyName, settings }, request);
}

/** A token that was issued now and ends soon (RFC 7519). @param algorithm `HS256` and its kind */
function tokenOf(claims: Readonly<Record<string, unknown>>, algorithm: string, secret: string): string {
  const iat = Math.floor(Date.now() / 1000);
  const parts = [{ alg: algorithm, typ: "JWT" }, { ...claims, iat, exp: iat + TOKEN_SECONDS }];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const digest = createHmac(algorithm.replace("HS", "sha"), secret).update(signed).digest("base64url");
  return `${signed}.${digest}`;
}

function firstOf(secrets: Secrets): string {
  return secretsIn(secrets)[0]!;
}

function withHeaders(request: PreparedRequest, headers: Readonly<Record<string, string>>): PreparedRequest {
  return { ...request, headers: { ...request.headers, ...lowerCased(headers) } };
}
