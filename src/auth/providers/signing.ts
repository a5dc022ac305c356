/**
 * Signs requests as a provider would, whichever way its scheme is written.
 *
 * @module
 */

import { fitsKey } from "../signature/key.ts";
import type { Scheme } from "../signature/scheme.ts";
import { SignedContent } from "../signature/content.ts";
import { eventPlacesOf } from "../signature/event_types.ts";
import {
  CannotSignError,
  type RequestToSign,
  type SentRequest,
  type SignedHeaders,
  signRequest,
  withMember,
} from "../signature/sign.ts";
import { providers, schemesOf } from "./providers.ts";

/** What a request is signed with. */
export interface SigningKey {
  /** The webhook's secret, or a private key in PEM where the webhook has the public one. */
  readonly secret: string;
  /** What requests call the key, where they name it. */
  readonly keyName?: string | undefined;
  /** Further settings of the webhook, as it has them beside the secret. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/**
 * A request that says what type its event has, where the provider says it: in its header, or else in the document.
 *
 * @param name of the provider
 * @throws {CannotSignError} when the provider says none, or the body is no JSON object that could have it
 */
export function withEventType(
  name: string,
  type: string,
  request: RequestToSign,
): { readonly request: RequestToSign; readonly headers: SignedHeaders } {
  const places = eventPlacesOf(providers[name], schemesOf(name));
  const [place] = places;
  const header = places.find((each) => !each.startsWith("/"));
  if (place === undefined) throw new CannotSignError("Its requests name no type in a place of their own");
  if (header !== undefined) return { request, headers: { [header]: type } };
  return { request: { ...request, body: withMember(request.body, place, type) }, headers: {} };
}

/**
 * Signs a request.
 *
 * @param name of the provider
 * @throws {CannotSignError} when that cannot be done with what is given
 */
export async function signAs(
  name: string,
  { secret, keyName, settings = {} }: SigningKey,
  request: RequestToSign,
): Promise<SentRequest> {
  const provider = providers[name];
  if (provider === undefined) throw new CannotSignError(`There is no provider '${name}'`);
  if (request.url === "" && signsUrl(name)) {
    throw new CannotSignError("It signs the URL, as the provider knows it: give it with --url");
  }
  if ("keyed" in provider) {
    return provider.sign(request, secret, {
      certificates: recordIn(settings["certificates"]),
      publicKeys: recordIn(settings["public_keys"]),
      topics: listIn(settings["topics"]),
      webhookId: textIn(settings["webhook_id"]),
    }, keyName);
  }
  if ("coded" in provider) {
    if (provider.coded.fits?.(secret) === false) throw new CannotSignError(WRONG_FORM);
    const publicKey = textIn(settings["public_key"]);
    const baseUrl = textIn(settings["base_url"]);
    return await provider.coded.sign(request, secret, { publicKey, baseUrl, key: keyName });
  }
  const scheme = schemesOf(name).map((each) => withAlgorithm(each, settings["algorithm"]))
    .find((each) => hasPublicKey(each) || fitsKey(secret, each));
  if (scheme === undefined) throw new CannotSignError(WRONG_FORM);
  return signRequest(scheme, secret, request, keyName);
}

/** Whether a provider signs the URL. */
export function signsUrl(name: string): boolean {
  const provider = providers[name];
  if (provider !== undefined && "coded" in provider) return provider.coded.needsUrl;
  return schemesOf(name).flatMap(({ content }) => [content].flat()).some((template) => {
    const content = new SignedContent(template);
    return content.names("url") || content.names("urlNoQuery") || content.names("sortedQuery");
  });
}

const WRONG_FORM = "The secret has not the form that this provider's have";

/** Whether a scheme signs with a private key. */
function hasPublicKey({ algorithm }: Scheme): boolean {
  return algorithm === "ed25519" || algorithm === "ecdsa-p256-sha256";
}

function withAlgorithm(scheme: Scheme, algorithm: unknown): Scheme {
  return algorithm === "sha1" || algorithm === "sha256" ? { ...scheme, algorithm } : scheme;
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function listIn(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}

function recordIn(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}
