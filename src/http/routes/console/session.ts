/**
 * `/admin/session`: signing in to the console and out of it.
 *
 * @module
 */

import { z } from "zod";
import type { Caller } from "../../../access/caller.ts";
import type { Sessions } from "../../../access/sessions.ts";
import { GatewayError } from "../../../errors.ts";
import { jsonResponse } from "../../responses.ts";
import type { Handler, Route } from "../../router.ts";
import { declaredLength, readBody, requireDeclared, streamedBody, toReadError } from "../../webhook/body.ts";
import { endedCookie, requireOwnPage, sessionCookie, sessionIdOf } from "../access/session_cookie.ts";

/** Largest request to sign in, in bytes. */
const MAX_BYTES = 16 * 1024;

const signInSchema = z.strictObject({ token: z.string().min(1) });

/** Who finds out whose token or session it is. */
export interface SessionGuard {
  readonly sessions: Sessions;
  /** @throws {GatewayError} `unauthorized`, `forbidden`, `rate_limited` */
  requireCaller(request: Request, info: Deno.ServeHandlerInfo): Caller;
}

/** The route. What presents no token yet is slowed down as wrong tokens are. */
export function sessionRoute(guard: SessionGuard): Route {
  return {
    path: "/admin/session",
    methods: {
      GET: openTo((request, id, _rest, info) => show(guard, request, id, info)),
      POST: openTo((request, id, _rest, info) => signIn(guard, request, id, info)),
      DELETE: openTo((request) => signOut(guard, request)),
    },
  };
}

/** A handler that asks by itself who may. */
function openTo(handler: Handler): Handler {
  return Object.assign(handler, { role: "anybody" as const });
}

async function signIn(
  guard: SessionGuard,
  request: Request,
  requestId: string,
  info: Deno.ServeHandlerInfo,
): Promise<Response> {
  requireOwnPage(request);
  const token = await tokenIn(request);
  const headers = new Headers(request.headers);
  headers.set("authorization", `Bearer ${token}`);
  const caller = guard.requireCaller(new Request(request.url, { headers }), info);
  const id = guard.sessions.open(token);
  const response = describe(guard, id, requestId, caller);
  response.headers.set("set-cookie", sessionCookie(request, id));
  return response;
}

/** Who has signed in; 204 where nobody has, which is no error of whoever opens the console. */
function show(
  guard: SessionGuard,
  request: Request,
  requestId: string,
  info: Deno.ServeHandlerInfo,
): Response {
  const id = sessionIdOf(request);
  const isKnown = id !== undefined && guard.sessions.tokenOf(id) !== undefined;
  if (!isKnown && !request.headers.has("authorization")) return new Response(null, { status: 204 });
  return describe(guard, id, requestId, guard.requireCaller(request, info));
}

function signOut({ sessions }: SessionGuard, request: Request): Response {
  requireOwnPage(request);
  const id = sessionIdOf(request);
  if (id !== undefined) sessions.end(id);
  return new Response(null, {
    status: 204,
    headers: { "set-cookie": endedCookie(request), "clear-site-data": '"cache"' },
  });
}

function describe(
  { sessions }: SessionGuard,
  id: string | undefined,
  requestId: string,
  { name, role, namespaces }: Caller,
): Response {
  const endsAt = id === undefined ? undefined : sessions.endOf(id);
  const response = jsonResponse(200, {
    name,
    role,
    namespaces,
    ends_at: endsAt === undefined ? null : new Date(endsAt).toISOString(),
  }, requestId);
  response.headers.set("cache-control", "no-store");
  return response;
}

async function tokenIn(request: Request): Promise<string> {
  const length = declaredLength(request, MAX_BYTES);
  try {
    const bytes = await readBody(request, streamedBody(request, length, MAX_BYTES));
    requireDeclared(bytes, length);
    const parsed = signInSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (parsed.success) return parsed.data.token;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw toReadError(error);
  }
  throw new GatewayError("invalid_query", "Expected a JSON object with the 'token'");
}
