/**
 * The gateway, as the page asks it: by the session's cookie, and for changes with a header that no form can send.
 *
 * @module
 */

/** Why the gateway did not do what it was asked. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

interface Problem {
  readonly error?: { readonly code?: string; readonly message?: string; readonly details?: unknown };
}

/** Called when the session has ended. */
let onSignedOut: () => void = () => {};

/** Says what to do when the session has ended. */
export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}

/** Reads something. @throws {ApiError} */
export function get<Answer>(path: string): Promise<Answer> {
  return ask<Answer>("GET", path);
}

/** Has something done. @throws {ApiError} */
export function post<Answer>(path: string, body?: unknown): Promise<Answer> {
  return ask<Answer>("POST", path, body);
}

/** Ends the session. @throws {ApiError} */
export async function signOut(): Promise<void> {
  await ask("DELETE", "/admin/session");
  onSignedOut();
}

async function ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(path, {
    method,
    headers: { "cwm-console": "1", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body === undefined ? null : JSON.stringify(body),
    credentials: "same-origin",
  });
  if (response.status === 204) return undefined as Answer;
  const answer = await response.json() as Answer & Problem;
  if (response.ok) return answer;
  if (response.status === 401 && path !== "/admin/session") onSignedOut();
  const { code = "unknown", message = response.statusText } = answer.error ?? {};
  throw new ApiError(response.status, code, message);
}

/** A query of those values that are given. */
export function query(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => !!entry[1]);
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
