/**
 * `final_statuses` and `retry_statuses`: what a webhook says of the answers of its destination, where the usual rules
 * (`answers.ts`) are not the right ones for it.
 *
 * @module
 */

import { z } from "zod";
import { reportAt } from "../../schema/fields.ts";

/** The lowest status. RFC 9110, section 15, knows those to 599, and some services answer with higher ones. */
const FIRST_STATUS = 100;

const FIRST_SUCCESS = 200;
const LAST_SUCCESS = 299;

/** Most entries of one list. */
const MAX_ENTRIES = 100;

/** Statuses with a meaning of their own. */
export interface StatusRule {
  readonly first: number;
  /** `first` for a single status. */
  readonly last: number;
  readonly kind: "final" | "retry";
}

/** Entries of a list: single statuses, and ranges. */
export type StatusEntries = readonly (number | string)[];

const EXPECTED = 'Expected a status such as 404, a class such as "4xx" or a range such as "500-503"';

const entryField = z.union([z.number(), z.string()], { error: EXPECTED });

/** A list of statuses and ranges. {@linkcode compileStatusRules} judges its entries. */
export function statusesField(): z.ZodDefault<z.ZodArray<typeof entryField>> {
  return z.array(entryField).max(MAX_ENTRIES).default([]);
}

/** The rules of both lists, the most exact first: a single status before a range, and a narrow range before a wide one. */
export function compileStatusRules(
  lists: { readonly final: StatusEntries; readonly retry: StatusEntries },
  issues: z.RefinementCtx,
): readonly StatusRule[] {
  const rules = (["final", "retry"] as const).flatMap((kind) =>
    lists[kind].flatMap((entry, index) =>
      compileEntry(entry, kind, [`${kind}_statuses`, index], issues) ?? []
    )
  ).sort((one, other) => widthOf(one) - widthOf(other));
  const undecided = findUndecided(rules);
  if (undecided !== undefined) {
    const message = `Status ${undecided} is in both lists, and neither entry is more exact than the other`;
    reportAt(issues, "retry_statuses", message);
  }
  return rules;
}

/** What the rules say of a status; `undefined` when they say nothing. */
export function ruleOf(rules: readonly StatusRule[], status: number): StatusRule["kind"] | undefined {
  return rules.find((rule) => covers(rule, status))?.kind;
}

function compileEntry(
  entry: number | string,
  kind: StatusRule["kind"],
  path: readonly (string | number)[],
  issues: z.RefinementCtx,
): StatusRule | undefined {
  const range = parseEntry(entry);
  const problem = range === undefined
    ? EXPECTED
    : range.first <= LAST_SUCCESS && range.last >= FIRST_SUCCESS
    ? "A status of 200 to 299 always means that the event was delivered"
    : undefined;
  if (problem !== undefined) reportAt(issues, path, problem);
  return problem === undefined && range !== undefined ? { ...range, kind } : undefined;
}

function parseEntry(entry: number | string): { readonly first: number; readonly last: number } | undefined {
  const text = String(entry).trim();
  const [, hundreds] = /^([1-9])xx$/i.exec(text) ?? [];
  if (hundreds !== undefined) return { first: Number(hundreds) * 100, last: Number(hundreds) * 100 + 99 };
  const [, from, to = from] = /^(\d{3})(?:\s*-\s*(\d{3}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  return first >= FIRST_STATUS && last >= first ? { first, last } : undefined;
}

/** A status that the most exact rules of both kinds, equally wide, claim. */
function findUndecided(rules: readonly StatusRule[]): number | undefined {
  // Which rules cover a status changes only where one begins or has ended.
  return rules.flatMap(({ first, last }) => [first, last + 1]).find((status) => {
    const [narrowest, ...others] = rules.filter((rule) => covers(rule, status));
    return others.some((other) => other.kind !== narrowest?.kind && widthOf(other) === widthOf(narrowest!));
  });
}

function covers({ first, last }: StatusRule, status: number): boolean {
  return first <= status && status <= last;
}

function widthOf({ first, last }: StatusRule): number {
  return last - first;
}
