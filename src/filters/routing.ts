/**
 * `when`, `otherwise` and `route`: which steps of a webhook take an event.
 *
 * @module
 */

import { DeliveryError } from "../errors.ts";
import type { VerifiedEvent } from "../event/verified_event.ts";
import type { Variables } from "../expressions/expressions.ts";
import type { Condition } from "./condition.ts";
import type { BodyReads } from "./body_reads.ts";
import { valueOf } from "./documents.ts";
import { type EventFilter, filterFailed } from "./filter.ts";
import { isUnmet } from "./judgement.ts";
import { type HiddenNames, variablesOf } from "./variables.ts";

/** When a step takes an event: always, if its condition is met, or if no other step does. */
export type StepCondition = "always" | "otherwise" | { readonly name: string; readonly condition: Condition };

/** How the steps of one webhook are chosen. */
export interface RoutingOptions {
  /** `all`: every step whose condition is met. `first`: the first one of them alone. */
  readonly route: "all" | "first";
  /** One for each step. */
  readonly conditions: readonly StepCondition[];
  /** What events have to pass on which it failed when they were accepted. */
  readonly filter: EventFilter | undefined;
  readonly hidden: HiddenNames;
  readonly bodyReads: BodyReads;
}

/** Whether a step takes an event, or why that cannot be said. */
export type StepChoice = "take" | "skip" | DeliveryError;

/** Chooses the steps that take an event. */
export class StepRouting {
  readonly #options: RoutingOptions;
  readonly #takeAll: readonly StepChoice[];
  readonly #takesAll: boolean;
  /** Whether a condition reads the document. */
  readonly readsBody: boolean;

  constructor(options: RoutingOptions) {
    this.#options = options;
    const { conditions, filter, route } = options;
    this.#takeAll = conditions.map(() => "take");
    this.#takesAll = route === "all" && conditions.every((condition) => condition === "always");
    this.readsBody = filter?.condition.readsBody === true ||
      conditions.some((step) => typeof step === "object" && step.condition.readsBody);
  }

  /** Whether every step takes an event, so that nothing has to be chosen. */
  takesAll(event: VerifiedEvent): boolean {
    return this.#takesAll && event.isUnfiltered !== true;
  }

  /** One choice for each step. Large bodies take several turns. Never rejects. */
  choose(event: VerifiedEvent): readonly StepChoice[] | Promise<readonly StepChoice[]> {
    if (this.takesAll(event)) return this.#takeAll;
    if (!this.readsBody) return this.#chooseBy(event, undefined);
    try {
      const value = valueOf(event.body, this.#options.bodyReads);
      if (!(value instanceof Promise)) return this.#chooseBy(event, value);
      return value.then((whole) => this.#chooseBy(event, whole), () => this.#allFail());
    } catch {
      return this.#allFail();
    }
  }

  #allFail(): readonly StepChoice[] {
    const failure = filterFailed("The filter", undefined);
    return this.#takeAll.map(() => failure);
  }

  #chooseBy(event: VerifiedEvent, value: unknown): readonly StepChoice[] {
    const { filter, route } = this.#options;
    event.body.forgetValue();
    if (event.isUnfiltered === true && filter !== undefined) {
      const verdict = filter.judge(event, value, event.body);
      if (verdict === "filtered") return this.#every("skip");
      if (verdict !== "takes") return this.#every(filterFailed("The filter", verdict));
    }
    return route === "all"
      ? this.#chooseAll(event, this.#variables(event, value), true)
      : this.#chooseFirst(event, this.#variables(event, value), true);
  }

  /** What the steps would choose, for whoever only asks: nothing is counted, and the filter is left out. */
  asked(event: VerifiedEvent, body: unknown): readonly StepChoice[] {
    return this.#options.route === "all"
      ? this.#chooseAll(event, this.#variables(event, body), false)
      : this.#chooseFirst(event, this.#variables(event, body), false);
  }

  /** One value for all steps. */
  #variables(event: VerifiedEvent, body: unknown): Variables {
    return variablesOf(event, body, this.#options.hidden);
  }

  #every(choice: StepChoice): readonly StepChoice[] {
    return this.#takeAll.map(() => choice);
  }

  #chooseAll(event: VerifiedEvent, variables: Variables, isCounted: boolean): readonly StepChoice[] {
    const { conditions } = this.#options;
    const choices: StepChoice[] = [];
    let otherwise = -1;
    for (let index = 0; index < conditions.length; index++) {
      const step = conditions[index]!;
      if (step === "otherwise") otherwise = index;
      choices.push(step === "otherwise" ? "skip" : judgeStep(step, event, variables, isCounted));
    }
    if (otherwise === -1) return choices;
    const failure = choices.find((choice) => choice instanceof DeliveryError);
    // What fails might have taken it: whether nothing else does is known once that is mended.
    choices[otherwise] = failure ?? (choices.includes("take") ? "skip" : "take");
    return choices;
  }

  /** Of the steps behind one that fails nobody knows whether their turn comes. */
  #chooseFirst(event: VerifiedEvent, variables: Variables, isCounted: boolean): readonly StepChoice[] {
    const { conditions } = this.#options;
    let found: StepChoice | undefined;
    const choices = conditions.map((step): StepChoice => {
      if (step === "otherwise") return "skip";
      if (found === "take") return "skip";
      if (found !== undefined) return found;
      const choice = judgeStep(step, event, variables, isCounted);
      if (choice !== "skip") found = choice;
      return choice;
    });
    const otherwise = conditions.indexOf("otherwise");
    if (otherwise !== -1 && found !== "take") choices[otherwise] = found ?? "take";
    return choices;
  }
}

function judgeStep(
  step: Exclude<StepCondition, "otherwise">,
  event: VerifiedEvent,
  variables: Variables,
  isCounted: boolean,
): StepChoice {
  if (step === "always") return "take";
  const judgement = step.condition.judge(event, variables, isCounted ? event.body : undefined);
  if (typeof judgement === "boolean") return judgement ? "take" : "skip";
  return isUnmet(judgement) ? "skip" : filterFailed(`'when' of step '${step.name}'`, judgement);
}
