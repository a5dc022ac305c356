/**
 * `GET /admin/requests`: the last requests of each webhook, accepted and refused ones, out of memory.
 *
 * @module
 */

import type { Caller } from "../../../access/caller.ts";
import { ERROR_CATALOGUE } from "../../../errors.ts";
import type { RequestMetrics } from "../../request_metrics.ts";
import type { RefusalHistory, RefusedRequest } from "../../refusal_history.ts";
import { jsonResponse } from "../../responses.ts";
import type { Route } from "../../router.ts";
import type { Guard } from "../access/guard.ts";
import { limitOf, queryOf } from "../query.ts";
import { WANTED_NAMES, wantedBy } from "./wanted_requests.ts";

/** Where the route finds requests. */
export interface RequestSource {
  readonly noted: Pick<RequestMetrics, "history" | "tail" | "totals">;
  readonly refusals: RefusalHistory;
  /** When the gateway has started, in milliseconds since 1970: of what was before nothing is known. */
  readonly since: number;
}

/** A request as it is listed. */
export interface ListedRequest {
  /** ISO 8601, in UTC. */
  readonly time: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly outcome: string;
  readonly status: number;
  readonly id: string;
  /** Of a request that was refused neither is kept. */
  readonly ms: number | null;
  readonly bytes: number | null;
  /** The address of whoever was refused. */
  readonly client: string | null;
  readonly reason: string | null;
}

/** The route. Each may look at what belongs to its namespaces. */
export function requestsRoute(source: RequestSource, guard: Guard): Route {
  return {
    path: "/admin/requests",
    methods: { GET: guard("viewer", (request, id, _rest, { caller }) => list(source, request, id, caller)) },
  };
}

function list(source: RequestSource, request: Request, requestId: string, caller: Caller): Response {
  const query = queryOf(request, [...WANTED_NAMES, "limit"]);
  const [wants, limit] = [wantedBy(query), limitOf(query)];
  const found = requestsOf(source)
    .filter((listed) => caller.sees(listed.namespace) && wants(listed))
    .sort((a, b) => a.time < b.time ? 1 : a.time > b.time ? -1 : 0);
  return jsonResponse(200, {
    since: new Date(source.since).toISOString(),
    requests: found.slice(0, limit),
    others: Math.max(0, found.length - limit),
  }, requestId);
}

function requestsOf({ noted, refusals }: RequestSource): ListedRequest[] {
  const answered = noted.history.list(() => true).map((
    { at, path, outcome, status, id, ms, bytes, reason },
  ) => ({
    time: new Date(at).toISOString(),
    ...placeOf(path),
    outcome,
    status,
    id,
    ms,
    bytes,
    client: null,
    reason: reason ?? null,
  }));
  return [...answered, ...refusals.list(() => true).map((refused) => rowOf(refused.path, refused))];
}

function rowOf(path: string, { at, code, reason, client, requestId }: RefusedRequest): ListedRequest {
  return {
    time: new Date(at).toISOString(),
    ...placeOf(path),
    outcome: code,
    status: ERROR_CATALOGUE[code].status,
    id: requestId,
    ms: null,
    bytes: null,
    client,
    reason,
  };
}

function placeOf(path: string): { readonly namespace: string; readonly webhook: string } {
  const slash = path.indexOf("/");
  return { namespace: path.slice(0, slash), webhook: path.slice(slash + 1) };
}
