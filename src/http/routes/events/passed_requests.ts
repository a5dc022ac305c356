/**
 * Requests that have left no event in the journal, as rows of a list of events: the last ones of each webhook.
 *
 * @module
 */

import { ERROR_CATALOGUE } from "../../../errors.ts";
import type { PassedState } from "../../../records/query.ts";
import type { RecordFilter } from "../../../records/records.ts";
import type { RecordRow } from "../../../records/view.ts";
import { namespaceMatcher } from "../../../schema/namespace_patterns.ts";
import type { ListedRefusal } from "../../refusal_history.ts";
import type { ListedAnswer } from "../../tail/answered_requests.ts";
import type { RequestSource } from "./requests.ts";

/** One of them. */
export interface PassedRequest {
  /** Grows with every request. */
  readonly number: number;
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly row: Omit<RecordRow, "cursor">;
}

/** What both kinds have. */
interface Found {
  readonly path: string;
  readonly at: number;
}

/** Those of a filter, whose states are `passed`, the newest first. */
export function passedRequests(
  { refusals, noted }: RequestSource,
  filter: RecordFilter,
  passed: readonly PassedState[],
): readonly PassedRequest[] {
  const isMeant = matcher(filter);
  const refused = passed.includes("refused")
    ? refusals.list((found) => isMeant(found, found.requestId)).map(refusedRequest)
    : [];
  const others = noted.history
    .list((found) => includes(passed, stateOf(found)) && isMeant(found, found.id))
    .map(answeredRequest);
  return [...refused, ...others].sort((a, b) => b.number - a.number);
}

function matcher(
  { namespace, namespaces, webhook, ids, before = Infinity, after = 0 }: RecordFilter,
): (found: Found, id: string) => boolean {
  const isOfNamespaces = namespaces === undefined ? () => true : namespaceMatcher(namespaces);
  return ({ path, at }, id) => {
    const [ofNamespace = "", ofWebhook] = path.split("/");
    return (namespace === undefined || namespace === ofNamespace) && isOfNamespaces(ofNamespace) &&
      (webhook === undefined || webhook === ofWebhook) && (ids === undefined || ids.includes(id)) &&
      at >= after && at < before;
  };
}

function includes(states: readonly PassedState[], state: PassedState | undefined): boolean {
  return state !== undefined && states.includes(state);
}

/** `undefined` for what is in the journal, and for what never was to be an event. */
function stateOf({ outcome, isDeliveredAtOnce }: ListedAnswer): PassedState | undefined {
  if (isDeliveredAtOnce) return "delivered_at_once";
  if (outcome === "filtered") return "filtered";
  return Object.hasOwn(ERROR_CATALOGUE, outcome) ? "failed" : undefined;
}

function refusedRequest(
  { requestId, path, at, code, reason, client, number }: ListedRefusal,
): PassedRequest {
  const { status } = ERROR_CATALOGUE[code];
  return {
    number,
    at,
    row: { ...row(path, requestId, at, "refused", status), reason: code, message: reason, client },
  };
}

function answeredRequest(found: ListedAnswer): PassedRequest {
  const { id, path, at, outcome, status, reason, bytes, number } = found;
  const state = stateOf(found) ?? "failed";
  const why = state === "failed"
    ? { reason: outcome, ...(reason === undefined ? {} : { message: reason }) }
    : {};
  return { number, at, row: { ...row(path, id, at, state, status), bytes, ...why } };
}

function row(
  path: string,
  id: string,
  at: number,
  state: PassedState,
  status: number,
): Omit<RecordRow, "cursor"> {
  const [namespace = "", webhook = ""] = path.split("/");
  const received_at = new Date(at).toISOString();
  return { id, namespace, webhook, state, received_at, status, lost_at_restart: true };
}
