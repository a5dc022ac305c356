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
import type { Handler, Route } from "../router.ts";

/** Where the routes find what they act on. */
export interface StopSource {
  readonly stops: Stops;
  readonly catalog: Pick<Catalog, "find">;
}

/** The routes below `/admin/stops`. The webhook stands in the query: `webhook=team-a/orders`. */
export function stopRoutes(source: StopSource, guard: (handler: Handler) => Handler): Route[] {
  return [
    { path: "/admin/stops", methods: { GET: guard((_request, id) => list(source, id)) } },
    { path: "/admin/stops/pause", methods: { POST: guard((request, id) => pause(source, request, id)) } },
    { path: "/admin/stops/resume", methods: { POST: guard((request, id) => resume(source, request, id)) } },
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

function list({ stops }: StopSource, requestId: string): Response {
  return jsonResponse(200, {
    webhooks: stops.list().map((stopped) => ({
      namespace: stopped.namespace,
      webhook: stopped.webhook,
      ...describeStop(stopped),
    })),
  }, requestId);
}

async function pause({ stops, catalog }: StopSource, request: Request, requestId: string): Promise<Response> {
  const lane = laneOf(request);
  if (catalog.find(`${lane.namespace}/${lane.webhook}`) === undefined) {
    throw new GatewayError("webhook_not_found");
  }
  return jsonResponse(200, { ...lane, ...describeStop(await stops.pause(lane)) }, requestId);
}

async function resume(
  { stops, catalog }: StopSource,
  request: Request,
  requestId: string,
): Promise<Response> {
  const lane = laneOf(request);
  const wasStopped = await stops.resume(lane);
  // One that was removed may be resumed all the same: it would be paused when it comes back.
  if (!wasStopped && catalog.find(`${lane.namespace}/${lane.webhook}`) === undefined) {
    throw new GatewayError("webhook_not_found");
  }
  return jsonResponse(200, { ...lane, resumed: wasStopped }, requestId);
}

function laneOf(request: Request): LaneKey {
  const query = new URL(request.url).searchParams;
  const [namespace = "", webhook = "", ...others] = (query.get("webhook") ?? "").split("/");
  if (query.size !== 1 || namespace === "" || webhook === "" || others.length > 0) {
    throw new GatewayError("invalid_query", "Name one 'webhook', such as team-a/orders");
  }
  return { namespace, webhook };
}
