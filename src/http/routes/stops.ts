/**
 * Webhooks whose deliveries are stopped, for operators: list them, pause one, resume one.
 *
 * @module
 */

import type { Catalog } from "../../config/catalog.ts";
import type { StoppedWebhook, Stops } from "../../delivery/stops/stops.ts";
import { GatewayError } from "../../errors.ts";
import type { LaneKey } from "../../journal/journal.ts";
import { jsonResponse } from "../responses.ts";
import type { Route } from "../router.ts";
import type { AdminCall, Guard } from "./access/guard.ts";

/** Where the routes find what they act on. */
export interface StopSource {
  readonly stops: Stops;
  readonly catalog: Pick<Catalog, "find">;
}

/** The routes below `/admin/stops`. The webhook stands in the query: `webhook=team-a/orders`. */
export function stopRoutes(source: StopSource, guard: Guard): Route[] {
  return [
    {
      path: "/admin/stops",
      methods: { GET: guard("viewer", (_request, id, _rest, call) => list(source, id, call)) },
    },
    {
      path: "/admin/stops/pause",
      methods: { POST: guard("operator", (request, id, _rest, call) => pause(source, request, id, call)) },
    },
    {
      path: "/admin/stops/resume",
      methods: { POST: guard("operator", (request, id, _rest, call) => resume(source, request, id, call)) },
    },
  ];
}

/** How operators see that a webhook is stopped. */
export function describeStop({ state, since, cause, nextTryAt }: StoppedWebhook): Record<string, unknown> {
  return {
    state,
    since: new Date(since).toISOString(),
    cause,
    ...(nextTryAt === undefined ? {} : { next_try_at: new Date(nextTryAt).toISOString() }),
  };
}

function list({ stops }: StopSource, requestId: string, { caller }: AdminCall): Response {
  return jsonResponse(200, {
    webhooks: stops.list().filter(({ namespace }) => caller.sees(namespace)).map((stopped) => ({
      namespace: stopped.namespace,
      webhook: stopped.webhook,
      ...describeStop(stopped),
    })),
  }, requestId);
}

async function pause(
  { stops, catalog }: StopSource,
  request: Request,
  requestId: string,
  call: AdminCall,
): Promise<Response> {
  const lane = laneOf(request, call);
  if (catalog.find(`${lane.namespace}/${lane.webhook}`) === undefined) {
    throw new GatewayError("webhook_not_found");
  }
  return jsonResponse(200, { ...lane, ...describeStop(await stops.pause(lane)) }, requestId);
}

async function resume(
  { stops, catalog }: StopSource,
  request: Request,
  requestId: string,
  call: AdminCall,
): Promise<Response> {
  const lane = laneOf(request, call);
  const wasStopped = await stops.resume(lane);
  // One that was removed may be resumed all the same: it would be paused when it comes back.
  if (!wasStopped && catalog.find(`${lane.namespace}/${lane.webhook}`) === undefined) {
    throw new GatewayError("webhook_not_found");
  }
  call.did({ resumed: wasStopped });
  return jsonResponse(200, { ...lane, resumed: wasStopped }, requestId);
}

/** @throws {GatewayError} `webhook_not_found` for one that is not there for the caller */
function laneOf(request: Request, { caller }: AdminCall): LaneKey {
  const query = new URL(request.url).searchParams;
  const [namespace = "", webhook = "", ...others] = (query.get("webhook") ?? "").split("/");
  if (query.size !== 1 || namespace === "" || webhook === "" || others.length > 0) {
    throw new GatewayError("invalid_query", "Name one 'webhook', such as team-a/orders");
  }
  if (!caller.sees(namespace)) throw new GatewayError("webhook_not_found");
  return { namespace, webhook };
}
