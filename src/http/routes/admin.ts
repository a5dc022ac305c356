/**
 * Routes for operators, behind the bearer tokens of `ADMIN_TOKEN` and `ADMIN_TOKENS_FILE`. Without tokens they are closed.
 *
 * @module
 */

import type { CatalogCounts } from "../../config/catalog.ts";
import type { AuditTrail } from "../../access/audit_trail.ts";
import { changesRoute } from "./changes.ts";
import type { ConfigManager } from "../../config/manager.ts";
import type { Problem } from "../../config/problem.ts";
import type { ConfigProvider, SnapshotStatus } from "../../config/provider.ts";
import type { OutputHost } from "../../delivery/outputs/output_host.ts";
import type { VaultStatus } from "../../secrets/vault/vault_source.ts";
import { deadLetterRoutes, type DeadLetterSource } from "./dead_letters.ts";
import { eventRoutes, type EventSource } from "./events/events.ts";
import type { InFlight } from "../in_flight.ts";
import type { AdminHandler, Guard } from "./access/guard.ts";
import { healthRoute, type HealthSource, type ViewOf } from "./health/health.ts";
import { handshakeRoutes, type HandshakeSource } from "./handshakes.ts";
import { journalRoutes, type JournalSource } from "./journal.ts";
import { describeProblem, jsonResponse } from "../responses.ts";
import type { Route } from "../router.ts";
import { filterRoute } from "./events/filter.ts";
import { connectorRoutes, type ConnectorSource } from "./connectors.ts";
import { type RequestSource, requestsRoute } from "./events/requests.ts";
import { sendRoute, type TestSender } from "./events/send.ts";
import { tailRoute } from "./events/tail.ts";
import { stopRoutes, type StopSource } from "./stops.ts";
import type { View } from "./access/view.ts";
import { webhookListRoute } from "./webhooks/list.ts";
import { webhookRoute, type WebhookSource } from "./webhooks/webhook.ts";

export { consoleRoutes } from "./console/console.ts";

/** How long a reload may take, in milliseconds. */
const RELOAD_TIMEOUT_MS = 30_000;

/** Problems, and warnings, listed at once; the rest is counted. */
const LISTED_FINDINGS = 1000;

/** Outputs without a connection listed at once. */
const LISTED_OUTPUTS = 1000;

/** What the admin routes show and act on. */
export interface AdminSource {
  readonly guard: Guard;
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
  readonly events: Omit<EventSource, "requests">;
  readonly requests: RequestSource;
  readonly tests: TestSender;
  readonly relay: ConnectorSource["relay"];
  readonly webhooks: WebhookSource;
  readonly journal: JournalSource;
  readonly handshakes: HandshakeSource;
  readonly health: HealthSource;
  readonly viewOf: ViewOf;
  readonly trail: AuditTrail;
  readonly stops: StopSource;
  /** The outputs that webhooks hold. */
  readonly outputs: () => Iterable<Pick<OutputHost, "name" | "hasConnection" | "state">>;
  /** When the gateway started, by `performance.now()`. */
  readonly startedAt: number;
}

/** The routes below `/admin/`. */
export function adminRoutes(source: AdminSource): Route[] {
  const { guard, viewOf } = source;
  const get = (path: string, handler: AdminHandler): Route => ({
    path,
    methods: { GET: guard("viewer", handler) },
  });
  return [
    get("/admin/config", async (_request, id, _rest, call) => configStatus(source, await viewOf(call), id)),
    get("/admin/connections", async (_request, id, _rest, call) => {
      return connectionStates(source, await viewOf(call), id);
    }),
    { path: "/admin/reload", methods: { POST: guard("admin", (_request, id) => reload(source, id)) } },
    get("/admin/stats", async (_request, id, _rest, call) => stats(source, await viewOf(call), id)),
    healthRoute(source.health, guard, viewOf),
    ...stopRoutes(source.stops, guard),
    webhookListRoute(source.webhooks, guard),
    webhookRoute(source.webhooks, guard),
    filterRoute(source.webhooks, guard),
    ...journalRoutes(source.journal, guard),
    ...handshakeRoutes(source.handshakes, guard),
    ...deadLetterRoutes(source.deadLetters, guard),
    ...eventRoutes({ ...source.events, requests: source.requests }, guard),
    sendRoute(source, guard),
    requestsRoute(source.requests, guard),
    tailRoute(source, guard),
    ...connectorRoutes(source, guard),
    changesRoute(source, guard),
  ];
}

function configStatus(
  { manager, provider, vault, unserved }: AdminSource,
  view: View,
  requestId: string,
): Response {
  const { lastSyncAt, outage, snapshot, degraded, ...status } = provider.status();
  const problems = [...manager.catalog.problems()].filter((problem) => view.seesFinding(problem));
  const warnings = [...manager.catalog.warnings()].filter((warning) => view.seesFinding(warning));
  const isAdmins = view.used === undefined;
  return jsonResponse(200, {
    ...status,
    degraded: degraded || snapshot?.state === "failing",
    last_sync_at: lastSyncAt === undefined ? null : new Date(lastSyncAt).toISOString(),
    outage: outage === undefined ? null : {
      ...outage,
      // It names hosts.
      ...(isAdmins ? {} : { message: "An admin sees why" }),
      since: new Date(outage.since).toISOString(),
    },
    // It names a file.
    snapshot: snapshot === undefined || !isAdmins ? null : describeSnapshot(snapshot),
    ...sizeOf(manager, view),
    keys: keysOf(manager, view, problems),
    unserved: unservedAsSeen(unserved(), view),
    problem_count: problems.length,
    problems: problems.slice(0, LISTED_FINDINGS).map((problem) => describeProblem(problem, provider)),
    warning_count: warnings.length,
    warnings: warnings.slice(0, LISTED_FINDINGS),
    ...(vault === undefined || !isAdmins ? {} : { vault: describeVault(vault()) }),
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

/** How many webhooks and connections there are for whoever asks. */
function sizeOf({ size }: ConfigManager, { used }: View): ConfigManager["size"] {
  return used === undefined ? size : { webhooks: used.webhooks, connections: used.connections.size };
}

function keysOf(
  { size, catalog }: ConfigManager,
  { used }: View,
  problems: readonly Problem[],
): CatalogCounts {
  if (used === undefined) return catalog.counts(size.connections);
  const withProblems = { last_good: new Set<string>(), nothing: new Set<string>() };
  for (const { key, serving } of problems) withProblems[serving].add(key);
  const [stale, invalid] = [withProblems.last_good.size, withProblems.nothing.size];
  return { ok: Math.max(0, used.serving + used.connections.size - stale), stale, invalid };
}

/** Of very many keys not all are known by name, and only an admin is told how many there are. */
function unservedAsSeen(
  all: ReturnType<AdminSource["unserved"]>,
  view: View,
): ReturnType<AdminSource["unserved"]> {
  if (view.used === undefined) return all;
  const keys = all.keys.filter((key) => view.seesFinding({ key }));
  return { count: keys.length, keys };
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
function connectionStates({ manager, outputs }: AdminSource, view: View, requestId: string): Response {
  const used = new Map<string, unknown[]>();
  const others: unknown[] = [];
  for (const { name, hasConnection, state: { connection, ...state } } of outputs()) {
    if (!view.seesOutput(name)) continue;
    if (hasConnection) used.set(connection, [...used.get(connection) ?? [], state]);
    else if (state.state !== "idle" && others.length < LISTED_OUTPUTS) others.push(state);
  }
  const seen = Array.from(manager.connections()).filter(({ name }) => view.seesConnection(name));
  const connections = seen.map(({ name, type, isOwn }) => ({
    name,
    type,
    ...(isOwn === true ? { in_webhook: true } : {}),
    outputs: used.get(name) ?? [],
  }));
  return jsonResponse(200, { connections, other_outputs: others }, requestId);
}

async function reload({ reload, manager }: AdminSource, requestId: string): Promise<Response> {
  await reload(AbortSignal.timeout(RELOAD_TIMEOUT_MS));
  return jsonResponse(200, { message: "Configuration reloaded", ...manager.size }, requestId);
}

function stats(
  { manager, inFlight, requests, startedAt }: AdminSource,
  view: View,
  requestId: string,
): Response {
  return jsonResponse(200, {
    uptime_seconds: Math.round((performance.now() - startedAt) / 1000),
    ...(view.used === undefined
      ? {
        inflight_requests: inFlight.requests,
        inflight_bytes: inFlight.bytes,
        requests: requests.noted.totals,
      }
      : {}),
    ...sizeOf(manager, view),
  }, requestId);
}
