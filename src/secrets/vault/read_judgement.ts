/**
 * What an answer to a read means. Status 404 alone has five meanings, and only two of them are "not there".
 *
 * @module
 */

import { bodyOf, cannotBeAsked, errorsOf, isObject, refusesToken, type VaultBody } from "./answer.ts";
import type { HttpAnswer } from "./http_exchange.ts";
import { fieldsOf, numberOf, parseKeepingNumbers } from "./secret_fields.ts";

/** The meaning of an answer. */
export type ReadJudgement =
  | {
    readonly kind: "found";
    readonly fields: ReadonlyMap<string, string>;
    readonly version?: number;
    /** The answer looks like one of the other version of KV, so the mount has to be looked at. */
    readonly doubtful: boolean;
  }
  /** Not there, provided that the mount is what the settings say. */
  | { readonly kind: "absent"; readonly why: string }
  /** The token is refused. */
  | { readonly kind: "token" }
  /** The token lives, and its policies do not allow the read. */
  | { readonly kind: "policy" }
  /** Vault cannot be asked. */
  | { readonly kind: "unable" }
  /** A setting is wrong. */
  | { readonly kind: "mistake"; readonly why: string };

/**
 * Judges an answer to `GET {mount}/data/{path}` (version 2) or `GET {mount}/{path}` (version 1).
 *
 * @param kvVersion the version that was asked for
 */
export function judgeRead(answer: HttpAnswer, kvVersion: 1 | 2): ReadJudgement {
  const body = bodyOf(answer);
  if (cannotBeAsked(answer) || body === undefined) return { kind: "unable" };
  switch (answer.status) {
    case 200:
      return kvVersion === 2 ? found2(answer) : found1(answer);
    case 404:
      return notFound(answer, body);
    case 403: {
      const errors = errorsOf(answer);
      if (errors === undefined) return { kind: "unable" };
      return { kind: refusesToken(errors) ? "token" : "policy" };
    }
    case 400:
      return badRequest(answer);
    default:
      return { kind: "mistake", why: "Vault refuses the read" };
  }
}

function found2(answer: HttpAnswer): ReadJudgement {
  const data = dataOf(answer);
  if (data === undefined) return { kind: "unable" };
  const { data: secret, metadata } = data;
  const version = isObject(metadata) ? numberOf(metadata["version"]) : NaN;
  return {
    kind: "found",
    fields: fieldsOf(secret),
    ...(Number.isSafeInteger(version) ? { version } : {}),
    doubtful: !isObject(metadata) || (secret !== null && !isObject(secret)),
  };
}

function found1(answer: HttpAnswer): ReadJudgement {
  const data = dataOf(answer);
  if (data === undefined) return { kind: "unable" };
  const { metadata } = data;
  const looksLike2 = "data" in data && isObject(metadata) && "created_time" in metadata;
  return { kind: "found", fields: fieldsOf(data), doubtful: looksLike2 };
}

function dataOf({ text }: HttpAnswer): VaultBody | undefined {
  const body = parseKeepingNumbers(text);
  const data = isObject(body) ? body["data"] : undefined;
  return isObject(data) ? data : undefined;
}

function notFound(answer: HttpAnswer, body: VaultBody): ReadJudgement {
  const { data, warnings } = body;
  if (isObject(data) && isObject(data["metadata"])) {
    const isDestroyed = data["metadata"]["destroyed"] === true;
    return { kind: "absent", why: `its latest version was ${isDestroyed ? "destroyed" : "deleted"}` };
  }
  const errors = errorsOf(answer);
  if (errors?.length === 0) return { kind: "absent", why: "nothing was written there" };
  if (errors?.some((text) => /\bnamespace not found\b/.test(text))) {
    return { kind: "mistake", why: "the namespace of VAULT_NAMESPACE does not exist" };
  }
  if (errors?.some((text) => /\bno handler for route\b/.test(text))) {
    return { kind: "mistake", why: "there is no secrets engine at the mount of VAULT_MOUNT_POINT" };
  }
  if (errors !== undefined) return { kind: "mistake", why: "Vault refuses the path" };
  if (Array.isArray(warnings) && (data === null || data === undefined)) {
    return { kind: "mistake", why: "the mount is of KV version 2: set VAULT_KV_VERSION to 2" };
  }
  return { kind: "unable" };
}

/** For a moment after a mount was made or tuned, its data is being brought to version 2. */
function badRequest(answer: HttpAnswer): ReadJudgement {
  const errors = errorsOf(answer);
  if (errors === undefined || errors.some((text) => /^\s*Upgrading from non-versioned\b/.test(text))) {
    return { kind: "unable" };
  }
  return { kind: "mistake", why: "Vault refuses the read" };
}
