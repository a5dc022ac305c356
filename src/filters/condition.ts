/**
 * A condition of one webhook: an expression that is true or false of an event, whose results are counted.
 *
 * @module
 */

import type { Expression } from "../expressions/expressions.ts";
import { judge, type Judgement } from "./judgement.ts";
import type { FilterReports, ResultCounters } from "./reports.ts";
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
   * @param body the value of the document, where the expression reads it
   * @param isCounted `false` where somebody only asks. @default true
   */
  judge(subject: Subject, body: unknown, isCounted = true): Judgement {
    const judgement = judge(this.expression, subject, body, this.hidden);
    if (isCounted && this.#reports !== undefined) this.#report(this.#reports, subject, judgement, body);
    return judgement;
  }

  #report(reports: FilterReports, subject: Subject, judgement: Judgement, body: unknown): void {
    const { namespace, webhook } = subject;
    const name = { namespace, webhook, step: this.#step };
    reports.judged(name, this.#counters ??= reports.countersOf(name), judgement, body);
  }
}
