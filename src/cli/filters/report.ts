/**
 * What `cwm filter` prints.
 *
 * @module
 */

import type {
  ExplainedClause,
  ExplainedCondition,
  ExplainedEvent,
  ExplainedStep,
} from "../../filters/explanation.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";

const OUTCOMES: Readonly<Record<ExplainedEvent["outcome"], string>> = {
  passes: "The event passes",
  filtered: "The event is filtered",
  error: "The event fails",
};

/** The lines of the report. */
export function linesOf({ outcome, events, filter, steps }: ExplainedEvent): readonly string[] {
  return [
    ...(events === undefined ? [] : [`events: its type is ${events ? "" : "not "}one of them`]),
    ...(filter === undefined ? [] : ["filter:", ...conditionLines(filter)]),
    ...steps.flatMap(stepLines),
    OUTCOMES[outcome],
  ].map((line) => escapeUnsafe(line));
}

function stepLines(step: ExplainedStep): readonly string[] {
  const { name, runs, when, otherwise, error, payload, payload_base64: base64 } = step;
  const end = error !== undefined ? "fails" : runs ? "runs" : "is skipped";
  return [
    `step ${name} ${end}${otherwise === true ? " (otherwise)" : ""}`,
    ...(when === undefined ? [] : conditionLines(when)),
    ...(error === undefined ? [] : [`  ${error}`]),
    ...(payload === undefined ? [] : [`  payload: ${payload}`]),
    ...(base64 === undefined ? [] : [`  payload in base64: ${base64}`]),
  ];
}

function conditionLines({ clauses, result, reason, steps, budget }: ExplainedCondition): readonly string[] {
  return [
    ...clauses.flatMap(clauseLines),
    `  → ${result}${reason === undefined ? "" : `: ${reason}`} (${steps} of ${budget} steps)`,
  ];
}

function clauseLines({ text, value, absent }: ExplainedClause): readonly string[] {
  return [
    `  ${text} → ${value}`,
    ...absent.map(({ path, members, others }) => {
      const names = members.length === 0 ? "nothing" : members.join(", ");
      return `    ${path} is absent; there is: ${names}${others > 0 ? ` and ${others} more` : ""}`;
    }),
  ];
}
