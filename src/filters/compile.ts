/**
 * Compiles `filter` and `payload` of a webhook, and `when`, `otherwise` and `payload` of the steps of its chain.
 *
 * @module
 */

import { InvariantError } from "../errors.ts";
import type { Expression, ExpressionLanguage } from "../expressions/expressions.ts";
import { BodyReads } from "./body_reads.ts";
import { Condition } from "./condition.ts";
import { EventFilter, type OnError } from "./filter.ts";
import { loadedLanguages } from "./languages.ts";
import { type CompiledPayload, compilePayload } from "./payload/compile.ts";
import type { PayloadConfig } from "./payload/schema.ts";
import { type EventPayload, PayloadSequence } from "./payload/payload.ts";
import { FILTER_STEP, type FilterReports } from "./reports.ts";
import { type StepCondition, StepRouting } from "./routing.ts";
import { type HiddenNames, isHidden, isHiddenParameter, NOTHING_HIDDEN } from "./variables.ts";

/** Longest built document where a webhook does not say how long bodies may be, in characters. */
const USUAL_MAX_LENGTH = 10 * 1024 * 1024;

/** What is wrong, and where in the webhook. The place within an expression stands behind its path. */
export interface FilterProblem {
  /** For example `filter:1:17`. */
  readonly path: string;
  readonly message: string;
}

/** What a step says. */
export interface StepFilterConfig {
  readonly when?: string | undefined;
  readonly otherwise?: boolean | undefined;
  readonly payload?: PayloadConfig | undefined;
}

/** What a webhook says. */
export interface FilterConfig {
  readonly data_type?: "json" | "blob" | "form" | undefined;
  readonly max_body_bytes?: number | undefined;
  readonly filter?: string | { readonly when: string; readonly on_error: OnError } | undefined;
  readonly payload?: PayloadConfig & { readonly at: "accept" | "delivery" } | undefined;
  readonly chain?: readonly (string | StepFilterConfig)[] | undefined;
  readonly "chain-config"?: { readonly route: "all" | "first" } | undefined;
}

/** What is made of an event for an output. */
export type StepPayload = EventPayload | PayloadSequence;

/** What a webhook takes, and what its outputs get. Immutable. */
export interface WebhookFilters {
  readonly filter: EventFilter | undefined;
  /** What is stored of an event in the place of what was sent. */
  readonly acceptPayload: EventPayload | undefined;
  /** `undefined` where every step takes every event, whatever its filter says. */
  readonly routing: StepRouting | undefined;
  /** When each step takes an event. */
  readonly conditions: readonly StepCondition[];
  readonly route: "all" | "first";
  /** What each step gets; `undefined` for the event as it is. */
  readonly payloads: readonly (StepPayload | undefined)[];
  /** What the filter and the conditions of the steps read of a document. */
  readonly bodyReads: BodyReads;
  /** Whether the query of the request is read when an event is delivered. */
  readonly keepsQuery: boolean;
  /** Whether the query of the request is read when it comes. */
  readonly readsQuery: boolean;
  readonly hidden: HiddenNames;
}

/**
 * Compiles what a webhook says; `undefined` where it says nothing, as most do.
 *
 * @param names of the steps, as metrics have them
 * @param reports `undefined`: nothing is counted
 * @param hidden what expressions cannot read, beside names that say that they are credentials
 */
export function compileFilters(
  config: FilterConfig,
  names: readonly string[],
  reports: FilterReports | undefined,
  hidden: HiddenNames = NOTHING_HIDDEN,
): WebhookFilters | undefined | { readonly problems: readonly FilterProblem[] } {
  const { chain = [], filter, payload } = config;
  const route = config["chain-config"]?.route ?? "all";
  const steps = chain.map((step) => typeof step === "string" ? {} : step);
  const isPlain = steps.every(({ when, otherwise, payload: own }) =>
    when === undefined && otherwise !== true && own === undefined
  );
  if (isPlain && filter === undefined && payload === undefined && route === "all") return undefined;
  const compilation = new FilterCompilation(config, names, reports, hidden);
  const compiled = compilation.compile(steps, route);
  const { problems } = compilation;
  return problems.length > 0 ? { problems } : compiled;
}

function expressionsOnBody(
  filter: EventFilter | undefined,
  conditions: readonly StepCondition[],
): readonly Expression[] {
  const all = [
    filter?.condition,
    ...conditions.map((step) => typeof step === "object" ? step.condition : undefined),
  ];
  return all.flatMap((condition) => condition?.readsBody === true ? [condition.expression] : []);
}

class FilterCompilation {
  readonly problems: FilterProblem[] = [];
  readonly #config: FilterConfig;
  readonly #names: readonly string[];
  readonly #reports: FilterReports | undefined;
  readonly #languages = requireLanguages();

  constructor(
    config: FilterConfig,
    names: readonly string[],
    reports: FilterReports | undefined,
    readonly hidden: HiddenNames,
  ) {
    this.#config = config;
    this.#names = names;
    this.#reports = reports;
  }

  compile(steps: readonly StepFilterConfig[], route: "all" | "first"): WebhookFilters {
    const filter = this.#filter();
    const isJson = this.#config.data_type !== "blob";
    const own = this.#payload(this.#config.payload, "payload", isJson);
    const ownIsLater = this.#config.payload?.at === "accept" ? undefined : own?.payload;
    const conditions = this.#names.map((name, index) => this.#condition(steps[index] ?? {}, index, name));
    this.#refuseIdleSteps(steps);
    const ofSteps = this.#names.map((_name, index) =>
      this.#payload(steps[index]?.payload, `chain.${index}.payload`, own?.makesJson ?? isJson)?.payload
    );
    const payloads = ofSteps.map((ofStep) => together(ownIsLater, ofStep));
    const isRouted = route === "first" || conditions.some((condition) => condition !== "always");
    const bodyReads = new BodyReads(expressionsOnBody(filter, conditions));
    // An event on which the filter has failed is judged again when it is delivered.
    const routing = isRouted || filter !== undefined
      ? new StepRouting({ route, conditions, filter, hidden: this.hidden, bodyReads })
      : undefined;
    const keepsQuery = [
      filter?.condition,
      ...conditions.map((step) => typeof step === "object" ? step.condition : undefined),
      ownIsLater,
      ...ofSteps,
    ]
      .some((part) => part?.readsQuery === true);
    return {
      filter,
      acceptPayload: this.#config.payload?.at === "accept" ? own?.payload : undefined,
      routing,
      bodyReads,
      conditions,
      route,
      payloads: payloads.every((each) => each === undefined) ? NO_PAYLOADS : payloads,
      keepsQuery,
      readsQuery: keepsQuery || filter?.condition.readsQuery === true,
      hidden: this.hidden,
    };
  }

  #filter(): EventFilter | undefined {
    const { filter } = this.#config;
    if (filter === undefined) return undefined;
    const path = typeof filter === "string" ? "filter" : "filter.when";
    const text = typeof filter === "string" ? filter : filter.when;
    const expression = this.#conditionExpression(text, path);
    if (expression === undefined) return undefined;
    const onError = typeof filter === "string" ? "dead_letter" : filter.on_error;
    return new EventFilter(new Condition(expression, FILTER_STEP, this.#reports, this.hidden), onError);
  }

  #condition({ when, otherwise }: StepFilterConfig, index: number, name: string): StepCondition {
    if (when !== undefined && otherwise === true) {
      this.#refuse(`chain.${index}.otherwise`, "Has no meaning beside 'when': leave out one of them");
    }
    if (otherwise === true) return "otherwise";
    if (when === undefined) return "always";
    const expression = this.#conditionExpression(when, `chain.${index}.when`);
    return expression === undefined
      ? "always"
      : { name, condition: new Condition(expression, name, this.#reports, this.hidden) };
  }

  /** Steps that could never take an event are mistakes. */
  #refuseIdleSteps(steps: readonly StepFilterConfig[]): void {
    const others = steps.flatMap(({ otherwise }, index) => otherwise === true ? [index] : []);
    for (const index of others.slice(1)) {
      this.#refuse(
        `chain.${index}.otherwise`,
        `Step ${others[0]} has it already: one step takes what no other takes`,
      );
    }
    const always = steps.findIndex(({ when, otherwise }) => when === undefined && otherwise !== true);
    if (others.length > 0 && always !== -1) {
      const message = `Takes nothing: step ${always} has no 'when', and takes every event`;
      this.#refuse(`chain.${others[0]}.otherwise`, message);
    }
  }

  #conditionExpression(text: string, path: string): Expression | undefined {
    const language = this.#config.data_type === "blob" ? this.#languages.blob : this.#languages.json;
    const expression = this.#expression(language, text, path);
    if (expression === undefined || expression.canBeCondition) return expression;
    this.#refuse(path, `Must be a condition, and is a ${expression.type}`);
    return undefined;
  }

  #expression(language: ExpressionLanguage, text: string, path: string): Expression | undefined {
    const compiled = language.compile(text);
    if ("problems" in compiled) {
      for (const { line, column, message } of compiled.problems) {
        this.#refuse(`${path}:${line}:${column}`, message);
      }
      return undefined;
    }
    const { expression } = compiled;
    const { texts } = expression.reads;
    const refused = [
      ...[...texts.get("headers") ?? []].map((name) => refuseHeader(name, this.hidden)),
      ...[...texts.get("query") ?? []].map((name) => refuseParameter(name, this.hidden)),
    ].filter((message) => message !== undefined);
    for (const message of refused) this.#refuse(path, message);
    return refused.length === 0 ? expression : undefined;
  }

  #payload(config: PayloadConfig | undefined, path: string, isJson: boolean): CompiledPayload | undefined {
    if (config === undefined) return undefined;
    const language = isJson ? this.#languages.json : this.#languages.blob;
    const compiled = compilePayload(config, {
      isJson,
      hidden: this.hidden,
      maxLength: this.#config.max_body_bytes ?? USUAL_MAX_LENGTH,
      expression: (text, within) => this.#expression(language, text, [path, ...within].join(".")),
    });
    if (!("problems" in compiled)) return compiled;
    for (const problem of compiled.problems) this.#refuse([path, ...problem.path].join("."), problem.message);
    return undefined;
  }

  #refuse(path: string, message: string): void {
    this.problems.push({ path, message });
  }
}

const NO_PAYLOADS: readonly undefined[] = [];

/** Why an expression may not ask for a header, if so. */
function refuseHeader(name: string, hidden: HiddenNames): string | undefined {
  const lower = name.toLowerCase();
  if (isHidden(lower, hidden)) return `The header '${name}' cannot be read: it may hold a credential`;
  return name === lower ? undefined : `There is no header '${name}': names are in lower case, '${lower}'`;
}

/** Why an expression may not ask for a parameter of the query, if so. */
function refuseParameter(name: string, hidden: HiddenNames): string | undefined {
  if (!isHiddenParameter(name, hidden)) return undefined;
  return `The parameter '${name}' cannot be read: it may hold a credential`;
}

function requireLanguages(): NonNullable<ReturnType<typeof loadedLanguages>> {
  const languages = loadedLanguages();
  if (languages === undefined) {
    throw new InvariantError("Expressions are compiled before what reads them is loaded");
  }
  return languages;
}

function together(
  first: EventPayload | undefined,
  second: EventPayload | undefined,
): StepPayload | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return new PayloadSequence([first, second]);
}
