/**
 * The cookie of a session of the console, and what has to come with it.
 *
 * @module
 */

import { SESSION_MS } from "../../../access/sessions.ts";
import { GatewayError } from "../../../errors.ts";

const NAME = "cwm_session";

/** A header that no form of another page can send, and no script of one either without being asked first. */
const CONSOLE_HEADER = "cwm-console";

/** Methods that change nothing. */
const SAFE_METHODS: readonly string[] = ["GET", "HEAD"];

/** The id of the session that a request belongs to; `undefined` for none. */
export function sessionIdOf(request: Request): string | undefined {
  for (const cookie of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, value] = cookie.trim().split("=", 2);
    if (name === NAME && value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** `Set-Cookie` for a session. Only the admin routes get it back, and only from pages of the same site. */
export function sessionCookie(request: Request, id: string): string {
  return cookie(request, id, SESSION_MS / 1_000);
}

/** `Set-Cookie` that has a browser forget it. */
export function endedCookie(request: Request): string {
  return cookie(request, "", 0);
}

function cookie(request: Request, value: string, seconds: number): string {
  const secure = isSecure(request) ? "; Secure" : "";
  return `${NAME}=${value}; Path=/admin; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
}

/** Whether the browser speaks TLS. Whoever lies about it to a proxy only loses its own cookie. */
function isSecure(request: Request): boolean {
  const proto = request.headers.get("x-forwarded-proto")?.split(",")[0]?.trim().toLowerCase();
  return request.url.startsWith("https:") || proto === "https";
}

/**
 * Makes sure that a change comes from the console's own page: browsers send the cookie, whoever has made the request.
 *
 * @throws {GatewayError} `forbidden`
 */
export function requireOwnPage(request: Request): void {
  if (SAFE_METHODS.includes(request.method)) return;
  if (request.headers.get(CONSOLE_HEADER) === null || !isOwnOrigin(request)) {
    throw new GatewayError("forbidden", "A session's changes are made by the console's own page alone");
  }
}

function isOwnOrigin({ headers }: Request): boolean {
  const [origin, host] = [headers.get("origin"), headers.get("host")];
  return origin !== null && host !== null && URL.canParse(origin) && new URL(origin).host === host;
}
