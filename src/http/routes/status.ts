/**
 * What load balancers, orchestrators and people ask: is it alive, is it ready, is it well.
 *
 * @module
 */

import type { ProviderStatus } from "../../config/provider.ts";
import type { VaultStatus } from "../../secrets/vault/vault_source.ts";
import { VERSION } from "../../version.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { type HealthSource, statusOf } from "./health/health.ts";
import { type MetricsReader, metricsRoute } from "./metrics.ts";
import type { View } from "./access/view.ts";
import { jsonResponse, textResponse } from "../responses.ts";
import type { Route } from "../router.ts";

/** What the routes report on. */
export interface StatusSource {
  readonly provider: () => ProviderStatus;
  /** Whether the first configuration has been loaded. */
  readonly isReady: () => boolean;
  /** Whether the gateway is on its way down. */
  readonly isDraining: () => boolean;
  /** How Vault is doing; `undefined` while it is off. */
  readonly vault: (() => VaultStatus) | undefined;
  /** Whether nothing is served, since there has to be a policy of namespaces and there never was a good one. */
  readonly isClosed: () => boolean;
  /** Why the journal takes nothing until further notice; `undefined` while it does. */
  readonly journalProblem: () => string | undefined;
  readonly health: HealthSource;
  /** What there is for whoever asks, who may see by name what is wrong; `undefined` for those who may not. */
  readonly viewOf: (request: Request, info: Deno.ServeHandlerInfo) => Promise<View> | undefined;
  /** How many keys this instance has nothing in service of, while others may have. */
  readonly unserved: () => number;
  /** Whether a degraded configuration makes the gateway not ready. */
  readonly unreadyWhenDegraded: boolean;
  /** `undefined` when metrics are switched off. */
  readonly metrics: Metrics | undefined;
  /** Whose metrics are shown to a request. */
  readonly metricsReader: MetricsReader;
}

/** `/`, `/livez`, `/readyz`, `/health` and, unless switched off, `/metrics`. */
export function statusRoutes(source: StatusSource): Route[] {
  const routes: Route[] = [
    {
      path: "/",
      methods: {
        GET: (_request, id) => jsonResponse(200, { name: "core-webhook-module", version: VERSION }, id),
        // HAProxy's `option httpchk` asks this where nothing else is configured.
        OPTIONS: (_request, id) => options(source.isDraining() ? 503 : 200, id),
      },
    },
    {
      path: "/livez",
      methods: {
        GET: (_request, id) => textResponse(200, "ok\n", "text/plain", id),
        OPTIONS: (_request, id) => options(200, id),
      },
    },
    {
      path: "/readyz",
      methods: {
        GET: (_request, id) => readiness(source, id),
        OPTIONS: (_request, id) => options(readiness(source, id).status, id),
      },
    },
    {
      path: "/health",
      methods: { GET: (request, id, _rest, info) => health(source, source.viewOf(request, info), id) },
    },
  ];
  if (source.metrics !== undefined) routes.push(metricsRoute(source.metrics, source.metricsReader));
  return routes;
}

function options(status: number, id: string): Response {
  return new Response(null, { status, headers: { "allow": "GET, HEAD, OPTIONS", "x-request-id": id } });
}

/**
 * 200 only when requests should be sent here: the configuration is loaded, the journal can be used and no shutdown
 * has begun. A degraded configuration is served, and counts as the settings say.
 */
function readiness(source: StatusSource, id: string): Response {
  const provider = source.provider();
  const { degraded, missing } = provider;
  const isLoaded = source.isReady();
  const journal = source.journalProblem();
  const isClosed = source.isClosed();
  const configuration = isLoaded ? degraded ? "degraded" : "loaded" : loadingState(missing);
  const unserved = source.unserved();
  const detail = {
    configuration,
    // For anybody, so without names: `/admin/config` has them.
    ...(unserved === 0 ? {} : { unserved }),
    ...(missing === undefined ? {} : { reason: missing }),
    ...(degraded ? outageOf(provider) : {}),
    ...(journal === undefined ? {} : { journal }),
    ...(isClosed ? { policy: "Nothing is served: the policy of namespaces cannot be used" } : {}),
  };
  if (source.isDraining()) return jsonResponse(503, { status: "draining", ...detail }, id);
  const ready = isLoaded && !isClosed && journal === undefined && !(degraded && source.unreadyWhenDegraded);
  return jsonResponse(ready ? 200 : 503, { status: ready ? "ready" : "not_ready", ...detail }, id);
}

/** A configuration that is not complete has been looked at, and waits for its operator. */
function loadingState(missing: string | undefined): string {
  return missing === undefined ? "loading" : "incomplete";
}

/** Why and since when changes do not arrive, and what is served meanwhile: for anybody, so without names. */
function outageOf({ outage, revision }: ProviderStatus): { readonly outage?: unknown } {
  if (outage === undefined) return {};
  return { outage: { reason: outage.reason, since: new Date(outage.since).toISOString(), revision } };
}

/** What `/health` calls the states of Vault. */
const VAULT_HEALTH = {
  unused: "healthy",
  working: "healthy",
  token_ending: "token_ending",
  failing: "disconnected",
} as const satisfies Record<VaultStatus["state"], string>;

/** An unreachable etcd or Vault leaves the gateway healthy: it serves from what it has. */
async function health(
  source: StatusSource,
  viewing: Promise<View> | undefined,
  id: string,
): Promise<Response> {
  const provider = source.provider();
  const { backend, connected, missing } = provider;
  const vault = source.vault?.();
  const components = {
    config_manager: source.isReady() ? "healthy" : loadingState(missing),
    ...(backend === "etcd" ? { etcd: connected ? "healthy" : "disconnected" } : {}),
    ...(vault === undefined ? {} : { vault: VAULT_HEALTH[vault.state] }),
  };
  const { status: state, parts } = statusOf(source.health);
  // Names and causes are for operators.
  const view = await viewing;
  const details = view === undefined ? {} : { troubles: statusOf(source.health, undefined, view).troubles };
  return jsonResponse(
    200,
    { status: "healthy", components, state, parts, ...outageOf(provider), ...details },
    id,
  );
}
