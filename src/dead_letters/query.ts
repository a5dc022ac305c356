/**
 * How operators say which dead letters they mean, the same on the command line and in the query of the admin
 * routes: `namespace`, `webhook`, `connection`, `reason`, `id` (may be repeated), `older-than`, `newer-than`.
 *
 * @module
 */

import type { DeadLetterFilter } from "./dead_letters.ts";

/** A parsed query, or what is wrong with it in words for the operator. */
export type DeadLetterQuery = { readonly filter: DeadLetterFilter } | { readonly problem: string };

/** The names that a query may use. */
export const QUERY_NAMES = [
  "namespace",
  "webhook",
  "connection",
  "reason",
  "id",
  "older-than",
  "newer-than",
] as const;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a query.
 *
 * @param now what ages are counted back from, in milliseconds since 1970
 */
export function parseDeadLetterQuery(query: URLSearchParams, now: number): DeadLetterQuery {
  const unclear = problemOf(query);
  if (unclear !== undefined) return { problem: unclear };
  const text = (name: string, key: string) => query.has(name) ? { [key]: query.get(name)! } : {};
  const ids = query.getAll("id");
  const older = parseAge(query, "older-than");
  const newer = parseAge(query, "newer-than");
  for (const age of [older, newer]) if (typeof age === "string") return { problem: age };
  return {
    filter: {
      ...text("namespace", "namespace"),
      ...text("webhook", "webhook"),
      ...text("connection", "connection"),
      ...text("reason", "reason"),
      ...(ids.length === 0 ? {} : { ids }),
      ...(typeof older === "number" ? { before: now - older } : {}),
      ...(typeof newer === "number" ? { after: now - newer } : {}),
    },
  };
}

/** Whether the filter means every dead letter there is. */
export function meansAll(filter: DeadLetterFilter): boolean {
  return Object.keys(filter).length === 0;
}

/** What would make a filter mean other letters than its author thinks: a drop cannot be taken back. */
function problemOf(query: URLSearchParams): string | undefined {
  for (const name of QUERY_NAMES) {
    const values = query.getAll(name);
    if (values.includes("")) return `'${name}' needs a value`;
    if (name !== "id" && values.length > 1) {
      return `'${name}' may be given once, and was ${values.length} times`;
    }
  }
  return undefined;
}

/** An age of a query in milliseconds, or what is wrong with it; `undefined` where it is not given. */
export function parseAge(query: URLSearchParams, name: string): number | string | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  if (match === null) {
    return `'${name}' must be an age such as 30s, 15m, 12h or 7d, current value is '${text}'`;
  }
  return Number(match[1]) * UNIT_MS[match[2]!]!;
}
