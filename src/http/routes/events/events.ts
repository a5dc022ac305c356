/**
 * Events as records for operators: what stands in the journal and in which state, what was refused, and deliveries
 * that are to be made again. Which ones are meant stands in the query, see `records/query.ts`.
 *
 * @module
 */

import type { Caller } from "../../../access/caller.ts";
import type { Catalog } from "../../../config/catalog.ts";
import { BlockedWebhook } from "../../../config/entry.ts";
import { GatewayError } from "../../../errors.ts";
import { webhookPath } from "../../../event/names.ts";
import type { LaneKey } from "../../../journal/journal.ts";
import {
  droppedFilter,
  meansAllRecords,
  type ParsedRecordQuery,
  parseRecordQuery,
  RECORD_QUERY_NAMES,
  replayedFilter,
} from "../../../records/query.ts";
import type { DroppedWaiting, RecordOrder } from "../../../records/records.ts";
import { countRow, dropRow } from "../../../records/view.ts";
import { jsonResponse } from "../../responses.ts";
import type { Route } from "../../router.ts";
import type { AdminCall, Guard } from "../access/guard.ts";
import { type EventSources, listEvents } from "./listed_events.ts";
import { limitOf, queryOf } from "../query.ts";

/** Whom the routes ask to try again, and who has to know what is gone. */
export interface Retries {
  /** Events that waited are gone. */
  dropped(waiting: Iterable<DroppedWaiting>): void;
  /** Has events go now that wait for their next attempt, and says how many of how many webhooks wait. */
  retryNow(isMeant: (lane: LaneKey) => boolean): { readonly webhooks: number; readonly events: number };
}

/** Where the routes find events. */
export interface EventSource extends EventSources {
  readonly catalog: Pick<Catalog, "find">;
  /** Called after events were made pending, so that their delivery begins. */
  readonly onReplay: () => Promise<void>;
  readonly retries: Retries;
}

/** The routes below `/admin/events`. */
export function eventRoutes(source: EventSource, guard: Guard): Route[] {
  return [
    {
      path: "/admin/events",
      methods: { GET: guard("viewer", (request, id, _rest, call) => list(source, request, id, call)) },
    },
    {
      path: "/admin/events/replay",
      methods: { POST: guard("operator", (request, id, _rest, call) => replay(source, request, id, call)) },
    },
    {
      path: "/admin/events/retry",
      methods: { POST: guard("operator", (request, id, _rest, call) => retry(source, request, id, call)) },
    },
    {
      path: "/admin/events/drop",
      methods: { POST: guard("operator", (request, id, _rest, call) => drop(source, request, id, call)) },
    },
  ];
}

async function list(
  source: EventSource,
  request: Request,
  requestId: string,
  { caller }: AdminCall,
): Promise<Response> {
  const query = queryOf(request, [...RECORD_QUERY_NAMES, "order", "contents", "limit", "cursor"]);
  const page = await listEvents(source, within(parsed(query), caller), {
    order: choice<RecordOrder>(query, "order", ["newest", "oldest"]),
    contents: choice(query, "contents", ["false", "true"]) === "true",
    limit: limitOf(query),
    cursor: query.get("cursor") ?? undefined,
  });
  return jsonResponse(200, page, requestId);
}

/** One step of a replay. To mean all events it has to say so. */
async function replay(
  source: EventSource,
  request: Request,
  requestId: string,
  call: AdminCall,
): Promise<Response> {
  const query = queryOf(request, [...RECORD_QUERY_NAMES, "all", "to", "limit", "cursor"]);
  if (meansAllRecords(query) !== (query.get("all") === "true")) {
    throw new GatewayError("invalid_query", "Name a filter, or 'all=true' for every event");
  }
  const replayed = replayedFilter(within(parsed(query), call.caller));
  if ("problem" in replayed) throw new GatewayError("invalid_query", replayed.problem);
  const to = targetOf(source, query.get("to"), call.caller);
  const step = await source.records.replay(
    replayed.filter,
    limitOf(query),
    to,
    query.get("cursor") ?? undefined,
  );
  call.did({ replayed: step.replayed, skipped: step.skipped });
  if (step.replayed > 0) await source.onReplay();
  return jsonResponse(200, { ...step, cursor: step.cursor ?? null }, requestId);
}

/** One step of a drop, or with no `confirm` what it would do. To mean all events it has to say so. */
async function drop(
  source: EventSource,
  request: Request,
  requestId: string,
  call: AdminCall,
): Promise<Response> {
  const query = queryOf(request, [...RECORD_QUERY_NAMES, "all", "confirm", "limit", "cursor"]);
  if (meansAllRecords(query) !== (query.get("all") === "true")) {
    throw new GatewayError("invalid_query", "Name a filter, or 'all=true' for every event");
  }
  const asked = droppedFilter(within(parsed(query), call.caller));
  if ("problem" in asked) throw new GatewayError("invalid_query", asked.problem);
  const { filter } = asked;
  const [limit, cursor] = [limitOf(query), query.get("cursor") ?? undefined];
  if (choice(query, "confirm", ["false", "true"]) === "false") {
    const page = await source.records.list(filter, { order: "oldest", contents: false, limit, cursor });
    const row = countRow(page);
    call.did({ counted: row.matching });
    return jsonResponse(200, row, requestId);
  }
  const step = await source.records.drop(filter, limit, cursor);
  source.retries.dropped(step.waiting);
  call.did({ dropped: step.dropped, kept: step.kept });
  return jsonResponse(200, dropRow(step), requestId);
}

/** Has what waits for its next attempt go now. To mean every webhook it has to say so. */
function retry({ retries }: EventSource, request: Request, requestId: string, call: AdminCall): Response {
  const query = queryOf(request, ["webhook", "namespace", "all"]);
  const [webhook, namespace, all] = ["webhook", "namespace", "all"].map((name) =>
    query.get(name) ?? undefined
  );
  if (query.size !== 1 || (all !== undefined && all !== "true")) {
    throw new GatewayError(
      "invalid_query",
      "Name one 'webhook' or 'namespace', or 'all=true' for every webhook",
    );
  }
  const { caller } = call;
  const retried = retries.retryNow((lane) =>
    caller.sees(lane.namespace) && (namespace === undefined || lane.namespace === namespace) &&
    (webhook === undefined || webhookPath(lane.namespace, lane.webhook) === webhook)
  );
  call.did({ ...retried });
  return jsonResponse(200, { ...retried }, requestId);
}

/** The webhook that gets the events. @throws {GatewayError} when it is not served */
function targetOf({ catalog }: EventSource, to: string | null, caller: Caller) {
  if (to === null) return undefined;
  const entry = caller.seesPath(to) ? catalog.find(to) : undefined;
  if (entry === undefined) {
    throw new GatewayError("webhook_not_found", "'to' must be NAMESPACE/ID of a webhook that exists");
  }
  if (entry instanceof BlockedWebhook) throw entry.error;
  return { namespace: entry.namespace, webhook: entry.id };
}

/** Keeps a query within the namespaces of whoever asks. */
function within({ filter, ...query }: ParsedRecordQuery, caller: Caller): ParsedRecordQuery {
  return { ...query, filter: { ...filter, ...caller.filter } };
}

function parsed(query: URLSearchParams): ParsedRecordQuery {
  const parsed = parseRecordQuery(query, Date.now());
  if ("problem" in parsed) throw new GatewayError("invalid_query", parsed.problem);
  return parsed;
}

/** The first one where nothing is given. */
function choice<Choice extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const given = query.get(name) ?? choices[0];
  const found = choices.find((each) => each === given);
  if (found !== undefined) return found;
  throw new GatewayError(
    "invalid_query",
    `'${name}' must be ${choices.join(" or ")}, current value is '${given}'`,
  );
}
