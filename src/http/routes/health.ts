/**
 * What is wrong with the gateway, for operators.
 *
 * @module
 */

import type { Health } from "../../health/health.ts";
import { jsonResponse } from "../responses.ts";
import type { Handler, Route } from "../router.ts";

/** Troubles listed at once; the rest is counted. */
const LISTED_TROUBLES = 1000;

/** What is known of the health. */
export type HealthSource = Pick<Health, "troubles" | "counts" | "unlisted">;

/** `/admin/status`. */
export function healthRoute(health: HealthSource, guard: (handler: Handler) => Handler): Route {
  return { path: "/admin/status", methods: { GET: guard((_request, id) => status(health, id)) } };
}

function status(health: HealthSource, id: string): Response {
  const { counts, unlisted } = health;
  return jsonResponse(200, {
    status: counts.down > 0 ? "down" : counts.impaired > 0 ? "impaired" : "well",
    counts,
    unlisted,
    troubles: health.troubles().slice(0, LISTED_TROUBLES).map(({ since, ...trouble }) => ({
      ...trouble,
      since: new Date(since).toISOString(),
    })),
  }, id);
}
