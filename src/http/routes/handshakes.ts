/**
 * Secrets that providers bring, for operators: wait for one, see it once, forget it.
 *
 * @module
 */

import type { HandshakeRegistry } from "../../auth/challenges/handshake_registry.ts";
import type { Catalog } from "../../config/catalog.ts";
import { GatewayError } from "../../errors.ts";
import { jsonResponse } from "../responses.ts";
import type { Route } from "../router.ts";
import type { AdminCall, AdminHandler, Guard } from "./access/guard.ts";

/** Longest and shortest time that a handshake may be open, in seconds. */
const MIN_SECONDS = 1;
const MAX_SECONDS = 24 * 3600;

/** Where the routes find what they act on. */
export interface HandshakeSource {
  readonly registry: HandshakeRegistry;
  readonly catalog: Pick<Catalog, "find">;
}

/** The routes below `/admin/handshakes`. The webhook stands in the query: `webhook=team-a/tasks`. */
export function handshakeRoutes(source: HandshakeSource, guard: Guard): Route[] {
  const post = (path: string, handler: AdminHandler): Route => ({
    path,
    methods: { POST: guard("operator", handler) },
  });
  return [
    {
      path: "/admin/handshakes",
      methods: {
        GET: guard("viewer", (request, id, _rest, call) => describe(source, webhookOf(request, call), id)),
      },
    },
    post("/admin/handshakes/open", (request, id, _rest, call) => open(source, request, id, call)),
    post("/admin/handshakes/show", (request, id, _rest, call) => show(source, request, id, call)),
    post("/admin/handshakes/forget", (request, id, _rest, call) => forget(source, request, id, call)),
  ];
}

async function describe(
  { registry, catalog }: HandshakeSource,
  webhook: string,
  id: string,
): Promise<Response> {
  const { openUntil, takenAt, isShown } = await registry.stateOf(webhook);
  return jsonResponse(200, {
    webhook,
    secret_named: catalog.find(webhook)?.webhook?.handshake !== "awaited",
    open_until: timeOf(openUntil),
    taken_at: timeOf(takenAt),
    shown: isShown,
  }, id);
}

async function open(
  { registry, catalog }: HandshakeSource,
  request: Request,
  id: string,
  call: AdminCall,
): Promise<Response> {
  const { webhook, seconds: text } = queryOf(request, ["webhook", "seconds"]);
  requireSeen(webhook, call);
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
    throw new GatewayError(
      "invalid_query",
      `'seconds' must be a whole number from ${MIN_SECONDS} to ${MAX_SECONDS}`,
    );
  }
  if (catalog.find(webhook)?.webhook?.handshake !== "awaited") {
    throw new GatewayError(
      "invalid_query",
      "No secret is brought to this webhook: its 'signature' must name asana or notion, and no 'secret'",
    );
  }
  if (!await registry.open(webhook, seconds * 1000)) {
    throw new GatewayError("invalid_query", "The webhook was brought its secret already: forget it first");
  }
  return await describe({ registry, catalog }, webhook, id);
}

async function show(
  { registry }: HandshakeSource,
  request: Request,
  id: string,
  call: AdminCall,
): Promise<Response> {
  const webhook = webhookOf(request, call);
  const kept = await registry.show(webhook);
  if (kept === undefined) throw new GatewayError("invalid_query", "The webhook was brought no secret");
  if (kept.isShown) {
    throw new GatewayError("invalid_query", "The secret was shown already, and is shown once only");
  }
  const response = jsonResponse(200, { webhook, secret: kept.secret }, id);
  response.headers.set("cache-control", "no-store");
  return response;
}

async function forget(
  { registry }: HandshakeSource,
  request: Request,
  id: string,
  call: AdminCall,
): Promise<Response> {
  const webhook = webhookOf(request, call);
  return jsonResponse(200, { webhook, forgotten: await registry.forget(webhook) }, id);
}

/** @throws {GatewayError} `webhook_not_found` for one that is not there for the caller */
function webhookOf(request: Request, call: AdminCall): string {
  const { webhook } = queryOf(request, ["webhook"]);
  requireSeen(webhook, call);
  return webhook;
}

function requireSeen(webhook: string, { caller }: AdminCall): void {
  if (!caller.seesPath(webhook)) throw new GatewayError("webhook_not_found");
}

/** The values of exactly these names. */
function queryOf<Name extends string>(request: Request, names: readonly Name[]): Record<Name, string> {
  const query = new URL(request.url).searchParams;
  const values = names.map((name) => [name, query.get(name)] as const);
  if (query.size !== names.length || values.some(([, value]) => value === null || value === "")) {
    throw new GatewayError("invalid_query", `Name ${names.map((name) => `one '${name}'`).join(" and ")}`);
  }
  return Object.fromEntries(values) as Record<Name, string>;
}

function timeOf(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
