/**
 * How operators say which events they mean, the same on the command line and in the query of the admin routes:
 * `namespace`, `webhook`, `state` and `id` (both may be repeated), `since`, `until`, `older-than`, `newer-than`.
 *
 * @module
 */

import { parseAge } from "../dead_letters/query.ts";
import { RECORD_STATES, type RecordFilter, type RecordState } from "./records.ts";

/**
 * What has become of requests that stand in no journal: they were refused, filtered, have failed, or their event was
 * delivered while the sender waited. The gateway keeps the last ones of each webhook in memory.
 */
export const PASSED_STATES = ["refused", "filtered", "failed", "delivered_at_once"] as const;

/** One of {@linkcode PASSED_STATES}. */
export type PassedState = typeof PASSED_STATES[number];

/** What `state` may be. */
export const LISTED_STATES = [...RECORD_STATES, ...PASSED_STATES] as const;

/** One of {@linkcode LISTED_STATES}. */
export type ListedState = typeof LISTED_STATES[number];

/** What is replayed where no state is named: what was settled. */
const SETTLED = ["delivered", "dead_letter"] as const;

/** What can be dropped: nobody has it in hand. */
const DROPPED_STATES = ["waiting", "dead_letter"] as const;

/** The names that a query may use. */
export const RECORD_QUERY_NAMES = [
  "namespace",
  "webhook",
  "state",
  "id",
  "since",
  "until",
  "older-than",
  "newer-than",
] as const;

/** The names that may be given several times. */
const LISTS: readonly string[] = ["state", "id"];

/** What a query means, or what is wrong with it in words for the operator. */
export type RecordQuery = ParsedRecordQuery | { readonly problem: string };

/** Which events of the journal are meant, and which requests that have left none there. */
export interface ParsedRecordQuery {
  /** Its states are left out where all are meant, and empty where none of the journal is. */
  readonly filter: RecordFilter;
  readonly passed: readonly PassedState[];
}

/** A time with its offset (RFC 3339, section 5.6), of which the seconds may be left out. */
const TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Reads a query.
 *
 * @param now what ages are counted back from, in milliseconds since 1970
 */
export function parseRecordQuery(query: URLSearchParams, now: number): RecordQuery {
  const problem = problemOf(query);
  if (problem !== undefined) return { problem };
  const states = query.getAll("state");
  const unknown = states.find((state) => !isListed(state));
  if (unknown !== undefined) {
    return { problem: `'state' must be one of ${LISTED_STATES.join(", ")}, current value is '${unknown}'` };
  }
  const times = timesOf(query, now);
  if (typeof times === "string") return { problem: times };
  const ids = query.getAll("id");
  const inJournal = RECORD_STATES.filter((state) => states.includes(state));
  return {
    filter: {
      ...webhookOf(query),
      ...times,
      ...(ids.length === 0 ? {} : { ids }),
      ...(states.length === 0 ? {} : { states: inJournal }),
    },
    passed: states.length === 0 ? PASSED_STATES : PASSED_STATES.filter((state) => states.includes(state)),
  };
}

/** The events that a replay of the query means, or what is wrong with that in words for the operator. */
export function replayedFilter(
  { filter, passed }: ParsedRecordQuery,
): { readonly filter: RecordFilter } | { readonly problem: string } {
  if (filter.states === undefined) return { filter: { ...filter, states: SETTLED } };
  if (passed.length === 0) return { filter };
  return { problem: `'state' must not be ${passed[0]} here: such requests are no events of the journal` };
}

/** The events that a drop of the query means, or what is wrong with that in words for the operator. */
export function droppedFilter(
  { filter, passed }: ParsedRecordQuery,
): { readonly filter: RecordFilter } | { readonly problem: string } {
  const { states } = filter;
  // What is under way is named, so that it is counted: it stays.
  if (states === undefined) return { filter: { ...filter, states: [...DROPPED_STATES, "under_way"] } };
  const other = passed[0] ?? states.find((state) => !isDropped(state));
  if (other === undefined) return { filter };
  return { problem: `'state' must be ${DROPPED_STATES.join(" or ")} here, current value is '${other}'` };
}

/** Whether events of a state can be dropped. */
export function isDropped(state: RecordState): boolean {
  return (DROPPED_STATES as readonly RecordState[]).includes(state);
}

/** The query with times in the place of ages, which means the same events at any later time. */
export function withoutAges(query: URLSearchParams, now: number): URLSearchParams {
  const lasting = new URLSearchParams(query);
  for (const [age, time] of [["newer-than", "since"], ["older-than", "until"]] as const) {
    const ms = parseAge(query, age);
    if (typeof ms !== "number") continue;
    lasting.delete(age);
    lasting.set(time, new Date(now - ms).toISOString());
  }
  return lasting;
}

/** Whether the query has no condition, so that it means every event. */
export function meansAllRecords(query: URLSearchParams): boolean {
  return !RECORD_QUERY_NAMES.some((name) => query.has(name));
}

function isListed(state: string): state is ListedState {
  return (LISTED_STATES as readonly string[]).includes(state);
}

function problemOf(query: URLSearchParams): string | undefined {
  for (const name of RECORD_QUERY_NAMES) {
    const values = query.getAll(name);
    if (values.includes("")) return `'${name}' needs a value`;
    if (values.length > 1 && !LISTS.includes(name)) {
      return `'${name}' may be given once, and was ${values.length} times`;
    }
  }
  for (const [one, other] of [["since", "newer-than"], ["until", "older-than"]] as const) {
    if (query.has(one) && query.has(other)) return `'${one}' and '${other}' say the same: give one of them`;
  }
  const webhook = query.get("webhook")?.split("/") ?? [];
  if (webhook.length > 1 && query.has("namespace")) {
    return "'webhook' names its namespace already: leave 'namespace' out";
  }
  if (webhook.length > 2) return "'webhook' must be ID or NAMESPACE/ID";
  return undefined;
}

/** `webhook` may be an id, or the namespace and the id as in the path of its requests. */
function webhookOf(query: URLSearchParams): Pick<RecordFilter, "namespace" | "webhook"> {
  const webhook = query.get("webhook");
  const namespace = query.get("namespace");
  const slash = webhook?.indexOf("/") ?? -1;
  if (webhook !== null && slash !== -1) {
    return { namespace: webhook.slice(0, slash), webhook: webhook.slice(slash + 1) };
  }
  return {
    ...(namespace === null ? {} : { namespace }),
    ...(webhook === null ? {} : { webhook }),
  };
}

function timesOf(query: URLSearchParams, now: number): Pick<RecordFilter, "before" | "after"> | string {
  const after = timeOf(query, "since") ?? ageOf(query, "newer-than", now);
  const before = timeOf(query, "until") ?? ageOf(query, "older-than", now);
  if (typeof after === "string") return after;
  if (typeof before === "string") return before;
  return { ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) };
}

function ageOf(query: URLSearchParams, name: string, now: number): number | string | undefined {
  const age = parseAge(query, name);
  return typeof age === "number" ? now - age : age;
}

function timeOf(query: URLSearchParams, name: string): number | string | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const time = TIME.test(text) && isDay(text.slice(0, "yyyy-mm-dd".length)) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  return `'${name}' must be a time such as 2026-01-31T12:00:00Z, current value is '${text}'`;
}

/** Whether there is such a day: `Date.parse` takes February 30 for March 2. */
function isDay(date: string): boolean {
  const time = Date.parse(date);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
}
