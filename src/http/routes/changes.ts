/**
 * `GET /admin/changes`: who has changed what lately.
 *
 * @module
 */

import type { AuditLine, AuditTrail } from "../../access/audit_trail.ts";
import { jsonResponse } from "../responses.ts";
import type { Route } from "../router.ts";
import type { Guard } from "./access/guard.ts";
import type { View } from "./access/view.ts";
import type { ViewOf } from "./health/health.ts";
import { limitOf, queryOf } from "./query.ts";

/** Where the route finds changes. */
export interface ChangeSource {
  readonly trail: AuditTrail;
  readonly viewOf: ViewOf;
}

/** The route. */
export function changesRoute({ trail, viewOf }: ChangeSource, guard: Guard): Route {
  return {
    path: "/admin/changes",
    methods: {
      GET: guard("viewer", async (request, id, _rest, call) => {
        const limit = limitOf(queryOf(request, ["limit"]));
        const view = await viewOf(call);
        const seen = trail.newestFirst.filter((line) => isSeen(line, view, call.caller.name));
        return jsonResponse(200, { changes: seen.slice(0, limit).map(describe) }, id);
      }),
    },
  };
}

/** Of the configuration each sees its own part; what people have done, an admin sees, and each his own. */
function isSeen({ properties: { key, who } }: AuditLine, view: View, name: string): boolean {
  if (view.used === undefined) return true;
  return typeof key === "string" ? view.seesFinding({ key }) : who === name;
}

function describe({ at, isRefused, properties }: AuditLine): Record<string, unknown> {
  return { ...properties, time: new Date(at).toISOString(), level: isRefused ? "warning" : "info" };
}
