/**
 * One webhook for operators: whether it is served, how its requests ended, and why the last ones were refused.
 *
 * @module
 */

import type { Caller } from "../../../access/caller.ts";
import type { Catalog } from "../../../config/catalog.ts";
import { BlockedWebhook, type CatalogEntry } from "../../../config/entry.ts";
import { describeWebhook } from "../../../event/names.ts";
import type { Problem } from "../../../config/problem.ts";
import type { ConfigProvider } from "../../../config/provider.ts";
import type { Stops } from "../../../delivery/stops/stops.ts";
import { ERROR_CATALOGUE, GatewayError } from "../../../errors.ts";
import type { RefusalHistory, RefusedRequest } from "../../refusal_history.ts";
import type { RequestMetrics } from "../../request_metrics.ts";
import { describeProblem, jsonResponse } from "../../responses.ts";
import type { Route } from "../../router.ts";
import type { Guard } from "../access/guard.ts";
import { describeStop } from "../stops.ts";

/** Where the route finds what it shows. */
export interface WebhookSource {
  readonly catalog: Catalog;
  readonly stops: Pick<Stops, "find">;
  readonly requests: RequestMetrics;
  readonly refusals: RefusalHistory;
  readonly provider: Pick<ConfigProvider, "placeOf">;
}

/** `/admin/webhooks/{namespace}/{id}`. */
export function webhookRoute(source: WebhookSource, guard: Guard): Route {
  return {
    path: "/admin/webhooks/",
    isPrefix: true,
    methods: { GET: guard("viewer", (_request, id, path, { caller }) => show(source, path, id, caller)) },
  };
}

function show(
  { catalog, stops, requests, refusals, provider }: WebhookSource,
  path: string,
  requestId: string,
  caller: Caller,
): Response {
  const entry = caller.seesPath(path) ? catalog.find(path) : undefined;
  if (entry === undefined) throw new GatewayError("webhook_not_found");
  const key = describeWebhook(path);
  const problems = catalog.problemsOf(key);
  const { webhook } = entry;
  return jsonResponse(200, {
    namespace: entry.namespace,
    webhook: entry.id,
    state: stateOf(entry, problems),
    problems: problems.map((problem) => describeProblem(problem, provider)),
    warnings: catalog.warningsOf(key),
    modules: webhook?.steps.map(({ module }) => module.name) ?? [],
    accept: webhook?.policy.acceptance ?? null,
    deliveries: describeDeliveries(stops, path),
    requests: { accepted: 0, ...requests.outcomesOf(entry) },
    refusals: refusals.of(path).map(describeRefusal),
  }, requestId);
}

/** The states of `cwm_config_keys`, and `disabled`. */
export function stateOf(entry: CatalogEntry, problems: readonly Problem[]): string {
  if (entry instanceof BlockedWebhook) {
    return entry.error.code === "webhook_disabled" ? "disabled" : "invalid";
  }
  return problems.length === 0 ? "ok" : "stale";
}

function describeDeliveries(stops: WebhookSource["stops"], path: string): Record<string, unknown> {
  const stopped = stops.find(path);
  return stopped === undefined ? { state: "on" } : describeStop(stopped);
}

function describeRefusal({ at, code, reason, client, requestId }: RefusedRequest): unknown {
  return {
    time: new Date(at).toISOString(),
    status: ERROR_CATALOGUE[code].status,
    code,
    reason,
    client,
    request_id: requestId,
  };
}
