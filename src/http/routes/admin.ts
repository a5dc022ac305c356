/**
 * Routes for operators, behind the bearer token `ADMIN_TOKEN`. Without a token they are closed.
 *
 * @module
 */

import { secretMatcher } from "../../auth/crypto/constant_time.ts";
import type { ConfigManager } from "../../config/manager.ts";
import type { ConfigProvider, SnapshotStatus } from "../../config/provider.ts";
import type { OutputHost } from "../../delivery/outputs/output_host.ts";
import { GatewayError } from "../../errors.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { VaultStatus } from "../../secrets/vault/vault_source.ts";
import { compressing } from "./compression.ts";
import { deadLetterRoutes, type DeadLetterSource } from "./dead_letters.ts";
import { eventRoutes, type EventSource } from "./events/events.ts";
import type { InFlight } from "../in_flight.ts";
import { healthRoute, type HealthSource } from "./health/health.ts";
import { handshakeRoutes, type HandshakeSource } from "./handshakes.ts";
import { journalRoutes, type JournalSource } from "./journal.ts";
import { describeProblem, jsonResponse } from "../responses.ts";
import type { Handler, Route } from "../router.ts";
import { filterRoute } from "./events/filter.ts";
import { stopRoutes, type StopSource } from "./stops.ts";
import { webhookRoute, type WebhookSource } from "./webhook.ts";

/** How long a reload may take, in milliseconds. */
const RELOAD_TIMEOUT_MS = 30_000;

/** Problems, and warnings, listed at once; the rest is counted. */
const LISTED_FINDINGS = 1000;

/** Outputs without a connection listed at once. */
const LISTED_OUTPUTS = 1000;

/** What the admin routes show and act on. */
export interface AdminSource {
  readonly token: string | undefined;
  readonly metrics: Metrics;
  readonly manager: ConfigManager;
  readonly provider: ConfigProvider;
  /** How Vault is doing; `undefined` while it is off. */
  readonly vault: (() => VaultStatus) | undefined;
  /** Looks for changed configuration and changed secrets. Resolves when they are applied. */
  readonly reload: (signal: AbortSignal) => Promise<void>;
  /** The keys that this instance has nothing in service of, while others may have. */
  readonly unserved: () => { readonly count: number; readonly keys: readonly string[] };
  readonly inFlight: InFlight;
  readonly deadLetters: DeadLetterSource;
  readonly events: EventSource;
  readonly webhooks: WebhookSource;
  readonly journal: JournalSource;
  readonly handshakes: HandshakeSource;
  readonly health: HealthSource;
  readonly stops: StopSource;
  /** The outputs that webhooks hold. */
  readonly outputs: () => Iterable<Pick<OutputHost, "hasConnection" | "state">>;
  /** When the gateway started, by `performance.now()`. */
  readonly startedAt: number;
}

/** The routes below `/admin/`. */
export function adminRoutes(source: AdminSource): Route[] {
  const guard = guardedBy(source);
  return [
    { path: "/admin/config", methods: { GET: guard((_request, id) => configStatus(source, id)) } },
    { path: "/admin/connections", methods: { GET: guard((_request, id) => connectionStates(source, id)) } },
    { path: "/admin/reload", methods: { POST: guard((_request, id) => reload(source, id)) } },
    { path: "/admin/stats", methods: { GET: guard((_request, id) => stats(source, id)) } },
    healthRoute(source.health, guard),
    ...stopRoutes(source.stops, guard),
    webhookRoute(source.webhooks, guard),
    filterRoute(source.webhooks, guard),
    ...journalRoutes(source.journal, guard),
    ...handshakeRoutes(source.handshakes, guard),
    ...deadLetterRoutes(source.deadLetters, guard),
    ...eventRoutes(source.events, guard),
  ];
}

/** `credentials` of RFC 6750, section 2.1; the case of the scheme does not matter (RFC 9110, section 11.1). */
const BEARER = /^Bearer +(\S+)$/i;

/** Whether a request presents the token. Without a token to compare with, none does. */
export function adminReader(token: string | undefined): (request: Request) => boolean {
  if (token === undefined) return () => false;
  const isExpected = secretMatcher(token);
  return (request) => isExpected(BEARER.exec(request.headers.get("authorization") ?? "")?.[1] ?? "");
}

/** Lets requests with the token through. Without a token to compare with, none. */
function guardedBy({ token, metrics }: AdminSource): (handler: Handler) => Handler {
  if (token === undefined) {
    return () => () => {
      throw new GatewayError("forbidden", "Admin routes are closed: set ADMIN_TOKEN to open them");
    };
  }
  const isExpected = secretMatcher(token);
  const refused = metrics.counter(
    "cwm_admin_unauthorized_total",
    "Requests to admin routes without the token or with another one.",
  ).with();
  return (handler) => {
    const answer = compressing(handler);
    return (request, requestId, rest) => {
      const [, presented = ""] = BEARER.exec(request.headers.get("authorization") ?? "") ?? [];
      if (isExpected(presented)) return answer(request, requestId, rest);
      refused.increment();
      throw new GatewayError("unauthorized", undefined, { headers: { "www-authenticate": "Bearer" } });
    };
  };
}

function configStatus({ manager, provider, vault, unserved }: AdminSource, requestId: string): Response {
  const { lastSyncAt, outage, snapshot, degraded, ...status } = provider.status();
  const problems = [...manager.catalog.problems()];
  const warnings = [...manager.catalog.warnings()];
  return jsonResponse(200, {
    ...status,
    degraded: degraded || snapshot?.state === "failing",
    last_sync_at: lastSyncAt === undefined ? null : new Date(lastSyncAt).toISOString(),
    outage: outage === undefined ? null : { ...outage, since: new Date(outage.since).toISOString() },
    snapshot: snapshot === undefined ? null : describeSnapshot(snapshot),
    ...manager.size,
    keys: manager.catalog.counts(manager.size.connections),
    unserved: unserved(),
    problem_count: problems.length,
    problems: problems.slice(0, LISTED_FINDINGS).map((problem) => describeProblem(problem, provider)),
    warning_count: warnings.length,
    warnings: warnings.slice(0, LISTED_FINDINGS),
    ...(vault === undefined ? {} : { vault: describeVault(vault()) }),
  }, requestId);
}

function describeSnapshot({ file, state, since, reason }: SnapshotStatus): Record<string, unknown> {
  return {
    file,
    state,
    since: since === undefined ? null : new Date(since).toISOString(),
    reason: reason ?? null,
  };
}

function describeVault({ state, since, reason, tokenExpiresAt }: VaultStatus): Record<string, unknown> {
  return {
    state,
    since: new Date(since).toISOString(),
    reason: reason ?? null,
    token_expires_at: tokenExpiresAt === undefined ? null : new Date(tokenExpiresAt).toISOString(),
  };
}

/** Every connection with the outputs that use it, and the outputs that need none. */
function connectionStates({ manager, outputs }: AdminSource, requestId: string): Response {
  const used = new Map<string, unknown[]>();
  const others: unknown[] = [];
  for (const { hasConnection, state: { connection, ...state } } of outputs()) {
    if (hasConnection) used.set(connection, [...used.get(connection) ?? [], state]);
    else if (state.state !== "idle" && others.length < LISTED_OUTPUTS) others.push(state);
  }
  const connections = Array.from(
    manager.connections(),
    ({ name, type, isOwn }) => ({
      name,
      type,
      ...(isOwn === true ? { in_webhook: true } : {}),
      outputs: used.get(name) ?? [],
    }),
  );
  return jsonResponse(200, { connections, other_outputs: others }, requestId);
}

async function reload({ reload, manager }: AdminSource, requestId: string): Promise<Response> {
  await reload(AbortSignal.timeout(RELOAD_TIMEOUT_MS));
  return jsonResponse(200, { message: "Configuration reloaded", ...manager.size }, requestId);
}

function stats({ manager, inFlight, startedAt }: AdminSource, requestId: string): Response {
  return jsonResponse(200, {
    uptime_seconds: Math.round((performance.now() - startedAt) / 1000),
    inflight_requests: inFlight.requests,
    inflight_bytes: inFlight.bytes,
    ...manager.size,
  }, requestId);
}
