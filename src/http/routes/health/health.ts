/**
 * What is wrong with the gateway, for operators.
 *
 * @module
 */

import { isNamespace, isWebhookId } from "../../../event/names.ts";
import { GatewayError } from "../../../errors.ts";
import type { Health } from "../../../health/health.ts";
import {
  HEALTH_PARTS,
  type HealthPart,
  type Subject,
  type Trouble,
  TROUBLE_STATES,
  type TroubleState,
} from "../../../health/trouble.ts";
import { jsonResponse } from "../../responses.ts";
import type { Route } from "../../router.ts";
import type { AdminCall, AdminHandler, Guard } from "../access/guard.ts";
import type { View } from "../access/view.ts";
import { queryOf } from "../query.ts";
import { type Scope, scopeFilter, type ScopeSource, subjectsOf } from "./scope.ts";

/** Troubles listed at once; the rest is counted. */
const LISTED_TROUBLES = 1000;

/** What is known of the health, and of what it is. */
export interface HealthSource extends ScopeSource {
  readonly health: Pick<Health, "troubles" | "unlisted">;
}

/** How a part is: as its worst trouble, and how many it has. */
interface PartState {
  readonly state: "well" | TroubleState;
  readonly count: number;
}

/** What is wrong, as it is shown. */
export interface Status {
  /** What was switched off on purpose is no trouble. */
  readonly status: "well" | "impaired" | "down";
  readonly counts: Readonly<Record<TroubleState, number>>;
  /** Reports that found no room. */
  readonly unlisted: number;
  readonly parts: Readonly<Record<HealthPart, PartState>>;
  /** Of one webhook: itself and what it depends on. */
  readonly subjects?: readonly SubjectState[];
  /** The first 1,000, the worst first. */
  readonly troubles: readonly Record<string, unknown>[];
}

/** How one thing is. */
interface SubjectState extends Subject {
  readonly state: "well" | TroubleState;
}

/** Finds out what there is for a caller. */
export type ViewOf = (call: Pick<AdminCall, "caller">) => Promise<View>;

/** `/admin/status`. */
export function healthRoute(source: HealthSource, guard: Guard, viewOf: ViewOf): Route {
  const answer: AdminHandler = async (request, id, _rest, call) => {
    const scope = scopeIn(request);
    // What another namespace has is not there for the caller.
    if (scope?.path !== undefined && !call.caller.seesPath(scope.path)) {
      throw new GatewayError("webhook_not_found");
    }
    return jsonResponse(200, statusOf(source, scope, await viewOf(call)), id);
  };
  return { path: "/admin/status", methods: { GET: guard("viewer", answer) } };
}

/**
 * What is wrong, the worst first.
 *
 * @param scope what it is about. @default everything
 * @param view what there is for whoever asks. @default everything
 * @throws {GatewayError} `webhook_not_found`
 */
export function statusOf(source: HealthSource, scope?: Scope, view?: View): Status {
  const { health } = source;
  const all = view === undefined ? health.troubles() : view.troublesOf(health.troubles());
  const troubles = scope === undefined ? all : all.filter(scopeFilter(source, scope));
  const counts = countsOf(troubles);
  return {
    status: overallOf(counts),
    counts,
    unlisted: view?.used === undefined ? health.unlisted : 0,
    parts: partsOf(troubles),
    ...(scope?.path === undefined ? {} : { subjects: subjectStates(source, scope.path, troubles) }),
    troubles: troubles.slice(0, LISTED_TROUBLES).map(describeTrouble),
  };
}

/** How each part is, without names. */
function partsOf(troubles: readonly Trouble[]): Readonly<Record<HealthPart, PartState>> {
  const parts = Object.fromEntries(
    HEALTH_PARTS.map((part): [HealthPart, PartState] => [part, { state: "well", count: 0 }]),
  ) as Record<HealthPart, PartState>;
  // The worst trouble of a part stands first.
  for (const { part, state } of troubles) {
    const { state: worst, count } = parts[part];
    parts[part] = { state: worst === "well" ? state : worst, count: count + 1 };
  }
  return parts;
}

/** How operators see a trouble. */
function describeTrouble({ since, ...trouble }: Trouble): Record<string, unknown> {
  return { ...trouble, since: new Date(since).toISOString() };
}

/** How it is as a whole: what was switched off on purpose is no trouble. */
function overallOf(counts: Readonly<Record<TroubleState, number>>): "well" | "impaired" | "down" {
  return counts.down > 0 ? "down" : counts.impaired > 0 ? "impaired" : "well";
}

/** How many troubles there are in each state. */
function countsOf(troubles: readonly Trouble[]): Readonly<Record<TroubleState, number>> {
  const counts: Record<TroubleState, number> = { down: 0, impaired: 0, off: 0 };
  for (const { state } of troubles) counts[state]++;
  return counts;
}

/** The webhook and each thing that it depends on. */
function subjectStates(
  source: HealthSource,
  path: string,
  troubles: readonly Trouble[],
): readonly SubjectState[] {
  const entry = source.catalog.find(path);
  const found = entry === undefined ? [] : subjectsOf(source, entry);
  if (entry === undefined && !troubles.some(({ part, name }) => part === "webhook" && name === path)) {
    throw new GatewayError("webhook_not_found");
  }
  return found.map((subject) => ({ ...subject, state: stateOf(subject, troubles) }));
}

function stateOf({ part, name }: Subject, troubles: readonly Trouble[]): "well" | TroubleState {
  const states = troubles.filter((trouble) => trouble.part === part && trouble.name === name);
  return TROUBLE_STATES.find((state) => states.some((trouble) => trouble.state === state)) ?? "well";
}

/** @throws {GatewayError} `invalid_query` */
function scopeIn(request: Request): Scope | undefined {
  const of = queryOf(request, ["of"]).get("of");
  if (of === null) return undefined;
  const [namespace = "", id, ...others] = of.split("/");
  if (!isNamespace(namespace) || others.length > 0 || id !== undefined && !isWebhookId(id)) {
    throw new GatewayError("invalid_query", "'of' must be a namespace or a webhook, such as team-a/orders");
  }
  return id === undefined ? { namespace } : { namespace, path: of };
}
