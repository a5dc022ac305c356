/**
 * `filter` of a webhook: which events it takes.
 *
 * @module
 */

import { z } from "zod";
import { DeliveryError } from "../errors.ts";
import type { EventBody } from "../event/event.ts";
import type { Condition } from "./condition.ts";
import type { ExpressionFailure } from "../expressions/expressions.ts";
import { isUnmet } from "./judgement.ts";
import { type Subject, variablesOf } from "./variables.ts";

/** `filter` of a webhook as an object. */
export const filterObjectSchema = z.strictObject({
  when: z.string().meta({ description: "The condition." }),
  on_error: z.enum(["dead_letter", "deliver", "filter"]).default("dead_letter").meta({
    description:
      "`dead_letter`: an event on which the condition fails is kept as a dead letter, or answered with 500 where it is not `durable`. `deliver`: it is taken. `filter`: it is not. What is not there is no failure: the condition is then not met.",
  }),
});

/** `filter` of a webhook. */
export const filterSchema = z.union([z.string(), filterObjectSchema]);

/** What happens to an event on which the condition fails. */
export type OnError = "dead_letter" | "deliver" | "filter";

/** Whether a webhook takes an event, or why that cannot be said. */
export type FilterVerdict = "takes" | "filtered" | ExpressionFailure;

/** The filter of one webhook. */
export class EventFilter {
  constructor(readonly condition: Condition, readonly onError: OnError) {}

  /**
   * @param value of the document, as far as the condition reads it
   * @param body the document
   */
  judge(subject: Subject, value: unknown, body: EventBody): FilterVerdict {
    const { hidden } = this.condition;
    const judgement = this.condition.judge(subject, variablesOf(subject, value, hidden), body);
    if (judgement === true) return "takes";
    if (judgement === false || isUnmet(judgement)) return "filtered";
    return this.onError === "dead_letter" ? judgement : this.onError === "deliver" ? "takes" : "filtered";
  }
}

/**
 * Why a condition could not be evaluated, for the log and the dead letter. It holds nothing of the event.
 *
 * @param failure `undefined` where the body is no document
 */
export function filterFailed(what: string, failure: ExpressionFailure | undefined): DeliveryError {
  const source = failure === undefined || failure.source === "" ? "" : ` at '${failure.source}'`;
  return new DeliveryError(
    "filter_failed",
    `${what} failed${source}: ${failure?.message ?? "the body is not JSON"}`,
  );
}
