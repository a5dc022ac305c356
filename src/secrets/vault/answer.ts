/**
 * What stands in Vault's answers: `errors`, `data`, `auth` and `warnings`.
 *
 * @module
 */

import type { HttpAnswer } from "./http_exchange.ts";

/** An answer in Vault's own form; nothing in it has been checked but that it is an object. */
export type VaultBody = Readonly<Record<string, unknown>>;

/** An object as JSON text makes it: no list, and no number that keeps its spelling. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The answer's JSON object; `undefined` when something that is not Vault answered, such as a proxy's page. */
export function bodyOf({ text }: HttpAnswer): VaultBody | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? body : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The texts of `errors`; `undefined` for an answer that has no such list. */
export function errorsOf(answer: HttpAnswer): readonly string[] | undefined {
  const errors = bodyOf(answer)?.["errors"];
  return Array.isArray(errors) ? errors.map(String) : undefined;
}

/**
 * Whether a 403 is about the token: it is wrong, expired, revoked, spent, or used from a network that it is not
 * for. Otherwise the token lives and its policies say no. The status is the same for all; the text is the only
 * difference, in Vault and OpenBao alike.
 */
export function refusesToken(errors: readonly string[]): boolean {
  return errors.some((text) => /\binvalid token\b/.test(text) || /^\s*permission denied\s*$/.test(text));
}

/**
 * Whether the server could not be asked, so that its answer says nothing about the secret: it is sealed, has no
 * leader, counts too many requests, or sends elsewhere. 412 and 472 to 474 are Vault's own.
 */
export function cannotBeAsked({ status }: HttpAnswer): boolean {
  return status >= 500 || status === 429 || status === 412 || (status >= 472 && status <= 474) ||
    (status >= 300 && status < 400);
}
