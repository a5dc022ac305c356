/**
 * The routes that everybody may ask, as programs see them.
 *
 * @module
 */

import { z } from "zod";
import { METRICS_CONTENT_TYPE } from "../../../observability/metrics.ts";
import { parts, troubles } from "./admin_routes.ts";
import { json, named, type Operation, time } from "./operation.ts";

const outage = named(
  "Outage",
  z.object({
    reason: z.string().meta({ description: "A short word, such as `unreachable`." }),
    since: time(),
    revision: z.string().meta({ description: "What is served meanwhile." }),
  }).meta({ description: "A time during which changes of the configuration do not arrive." }),
);

const readiness = named(
  "Readiness",
  z.object({
    status: z.enum(["ready", "not_ready", "draining"]),
    configuration: z.enum(["loading", "incomplete", "loaded", "degraded"]),
    unserved: z.int().optional().meta({
      description: "How many keys this instance has no good value of, while others may have.",
    }),
    reason: z.string().optional().meta({ description: "What the configuration is waiting for." }),
    outage: outage.optional(),
    journal: z.string().optional().meta({ description: "Why the journal takes nothing." }),
  }),
);

const health = named(
  "Health",
  z.object({
    status: z.literal("healthy"),
    components: z.record(z.string(), z.string()).meta({
      description:
        "The state of each component: `config_manager`, and `etcd` and `vault` where they are used.",
    }),
    state: z.enum(["well", "impaired", "down"]).meta({ description: "How all of it is." }),
    parts,
    outage: outage.optional(),
    troubles: troubles.optional().meta({ description: "With the admin token: by name, and why." }),
  }),
);

const identity = named("Identity", z.object({ name: z.string(), version: z.string() }));

/** HAProxy asks by OPTIONS. */
function options(path: string, id: string, mayFail: boolean): Operation {
  return {
    method: "OPTIONS",
    path,
    id,
    summary: "The same status as GET, without a body",
    security: "none",
    answers: {
      200: { description: "As GET, with the methods in `Allow`." },
      ...(mayFail ? { 503: { description: "As GET, with the methods in `Allow`." } } : {}),
    },
  };
}

/** `/`, `/livez`, `/readyz`, `/health`, `/metrics`, `/openapi.json`. */
export const statusOperations: readonly Operation[] = [
  {
    method: "GET",
    path: "/",
    id: "getIdentity",
    summary: "Name and version",
    security: "none",
    answers: { 200: json("What answers here.", identity) },
  },
  options("/", "checkIdentity", true),
  {
    method: "GET",
    path: "/livez",
    id: "getLiveness",
    summary: "Whether the process answers",
    security: "none",
    answers: { 200: { description: "It does.", type: "text/plain" } },
  },
  options("/livez", "checkLiveness", false),
  {
    method: "GET",
    path: "/readyz",
    id: "getReadiness",
    summary: "Whether requests should be sent here",
    security: "none",
    answers: { 200: json("They should.", readiness), 503: json("They should not.", readiness) },
  },
  options("/readyz", "checkReadiness", true),
  {
    method: "GET",
    path: "/health",
    id: "getHealth",
    summary: "The state of the components",
    security: "none",
    answers: { 200: json("The state of each.", health) },
  },
  {
    method: "GET",
    path: "/metrics",
    id: "getMetrics",
    summary: "Metrics for Prometheus",
    security: "metrics",
    errors: ["unauthorized", "rate_limited"],
    answers: { 200: { description: "The text format of Prometheus.", type: METRICS_CONTENT_TYPE } },
  },
  {
    method: "GET",
    path: "/openapi.json",
    id: "getDescription",
    summary: "This description",
    security: "none",
    answers: { 200: json("OpenAPI 3.1.", named("Description", z.looseObject({ openapi: z.string() }))) },
  },
];
