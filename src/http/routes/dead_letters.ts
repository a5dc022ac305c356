/**
 * The dead letters for operators: list, show, replay, drop. Which ones are meant stands in the query, see
 * `delivery/dead_letter_query.ts`.
 *
 * @module
 */

import { meansAll, parseDeadLetterQuery, QUERY_NAMES } from "../../dead_letters/query.ts";
import { deadLetterDetail, deadLetterRow } from "../../dead_letters/view.ts";
import type { DeadLetterFilter, DeadLetters } from "../../dead_letters/dead_letters.ts";
import { GatewayError } from "../../errors.ts";
import { jsonResponse } from "../responses.ts";
import type { Route } from "../router.ts";
import type { AdminCall, Guard } from "./access/guard.ts";
import { limitOf, queryOf } from "./query.ts";

/** Where the routes find dead letters. */
export interface DeadLetterSource {
  readonly letters: DeadLetters;
  /** Called after letters were made pending again, so that their delivery begins. */
  readonly onReplay: () => Promise<void>;
}

/** The routes below `/admin/dead-letters`. */
export function deadLetterRoutes(source: DeadLetterSource, guard: Guard): Route[] {
  return [
    {
      path: "/admin/dead-letters",
      methods: { GET: guard("viewer", (request, id, _rest, call) => list(source, request, id, call)) },
    },
    {
      path: "/admin/dead-letters/show",
      methods: { GET: guard("viewer", (request, id, _rest, call) => show(source, request, id, call)) },
    },
    {
      path: "/admin/dead-letters/replay",
      methods: { POST: guard("operator", (request, id, _rest, call) => replay(source, request, id, call)) },
    },
    {
      path: "/admin/dead-letters/drop",
      methods: { POST: guard("operator", (request, id, _rest, call) => drop(source, request, id, call)) },
    },
  ];
}

async function list(
  { letters }: DeadLetterSource,
  request: Request,
  requestId: string,
  { caller }: AdminCall,
): Promise<Response> {
  const query = queryOf(request, [...QUERY_NAMES, "limit", "cursor"]);
  const limit = limitOf(query);
  const page = await letters.list(
    { ...filterOf(query), ...caller.filter },
    limit,
    query.get("cursor") ?? undefined,
  );
  return jsonResponse(200, {
    dead_letters: page.letters.map(deadLetterRow),
    cursor: page.cursor ?? null,
  }, requestId);
}

async function show(
  { letters }: DeadLetterSource,
  request: Request,
  requestId: string,
  { caller }: AdminCall,
): Promise<Response> {
  const [id, ...others] = queryOf(request, ["id"]).getAll("id");
  if (id === undefined || others.length > 0) {
    throw new GatewayError("invalid_query", "Name one dead letter by its 'id'");
  }
  const letter = await letters.get(id);
  if (letter === undefined || !caller.sees(letter.namespace)) {
    throw new GatewayError("not_found", `There is no dead letter '${id}'`);
  }
  return jsonResponse(200, deadLetterDetail(letter), requestId);
}

async function replay(
  source: DeadLetterSource,
  request: Request,
  requestId: string,
  call: AdminCall,
): Promise<Response> {
  const replayed = await source.letters.replay(deliberateFilterOf(request, call));
  call.did({ replayed });
  await source.onReplay();
  return jsonResponse(200, { replayed }, requestId);
}

async function drop(
  { letters }: DeadLetterSource,
  request: Request,
  requestId: string,
  call: AdminCall,
): Promise<Response> {
  const dropped = await letters.drop(deliberateFilterOf(request, call));
  call.did({ dropped });
  return jsonResponse(200, { dropped }, requestId);
}

/** A filter that changes things: to mean all letters that there are for the caller it has to say so. */
function deliberateFilterOf(request: Request, { caller }: AdminCall): DeadLetterFilter {
  const query = queryOf(request, [...QUERY_NAMES, "all"]);
  const filter = filterOf(query);
  if (meansAll(filter) !== (query.get("all") === "true")) {
    throw new GatewayError("invalid_query", "Name a filter, or 'all=true' for every dead letter");
  }
  return { ...filter, ...caller.filter };
}

function filterOf(query: URLSearchParams): DeadLetterFilter {
  const parsed = parseDeadLetterQuery(query, Date.now());
  if ("problem" in parsed) throw new GatewayError("invalid_query", parsed.problem);
  return parsed.filter;
}
