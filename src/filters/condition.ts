/**
 * A condition of one webhook: an expression that is true or false of an event, whose results are counted.
 *
 * @module
 */

import type { EventBody } from "../event/event.ts";
import type { Expression, Variables } from "../expressions/expressions.ts";
import { isUnmet, judge, type Judgement, stepsOfLast } from "./judgement.ts";
import type { ConditionName, FilterReports, ResultCounters } from "./reports.ts";
import type { HiddenNames, Subject } from "./variables.ts";

/** An expression at its place in a webhook. */
export class Condition {
  readonly expression: Expression;
  readonly readsBody: boolean;
  readonly readsQuery: boolean;
  readonly #step: string;
  readonly #reports: FilterReports | undefined;
  #counters: ResultCounters | undefined;

  /**
   * @param step what metrics call it
   * @param reports left out: nothing is counted
   */
  constructor(
    expression: Expression,
    step: string,
    reports: FilterReports | undefined,
    readonly hidden: HiddenNames,
  ) {
    this.expression = expression;
    this.readsBody = expression.reads.variables.has("body");
    this.readsQuery = expression.reads.variables.has("query");
    this.#step = step;
    this.#reports = reports;
  }

  /**
   * @param variables those of {@linkcode variablesOf} the event
   * @param body the document; left out, nothing is counted: somebody only asks
   */
  judge(subject: Subject, variables: Variables, body?: EventBody): Judgement {
    const judgement = judge(this.expression, variables);
    if (body !== undefined && this.#reports !== undefined) {
      this.#report(this.#reports, subject, judgement, body);
    }
    return judgement;
  }

  #report(reports: FilterReports, subject: Subject, judgement: Judgement, body: EventBody): void {
    this.#counters ??= reports.countersOf(this.#nameIn(subject));
    reports.judged(this.#counters, judgement, stepsOfLast());
    if (typeof judgement !== "boolean" && !isUnmet(judgement)) {
      reports.failed(this.#nameIn(subject), judgement, body);
    }
  }

  #nameIn({ namespace, webhook }: Subject): ConditionName {
    return { namespace, webhook, step: this.#step };
  }
}
