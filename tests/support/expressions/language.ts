/**
 * The expression language over the variables that webhooks have, and evaluations of it that tests can read.
 *
 * @module
 */

import {
  Budget,
  type Expression,
  ExpressionFailure,
  ExpressionLanguage,
  parseExactly,
  type Result,
  type Texts,
  type Value,
} from "../../../src/expressions/expressions.ts";

/** Over a body, headers, and an event with two known members. `blob` cannot be used. */
export const language = await ExpressionLanguage.load({
  body: { kind: "json" },
  headers: { kind: "texts" },
  event: { kind: "record", members: { id: "string", size: "int" } },
  blob: { kind: "unavailable", reason: "The body is not read as JSON" },
});

/** Headers of a request, with what was asked of them. */
export class RecordedTexts implements Texts {
  readonly asked: string[] = [];
  readonly #texts: ReadonlyMap<string, string>;

  constructor(texts: Readonly<Record<string, string>>) {
    this.#texts = new Map(Object.entries(texts));
  }

  get(name: string): string | undefined {
    this.asked.push(name);
    return this.#texts.get(name);
  }

  names(): readonly string[] {
    this.asked.push("all");
    return [...this.#texts.keys()];
  }
}

/** What an expression is evaluated with. */
export interface World {
  /** The text of a JSON document. @default `{}` */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly budget?: Budget;
}

/** The variables of {@linkcode language}. */
export interface WorldVariables {
  readonly [name: string]: unknown;
  readonly headers: RecordedTexts;
}

/** The variables of a world. */
export function variablesOf({ body = "{}", headers = {} }: World): WorldVariables {
  return {
    body: parseExactly(body) as Value,
    headers: new RecordedTexts(headers),
    event: { id: "e-1", size: 12n },
  };
}

/** Compiles a text that is an expression. */
export function compiled(text: string): Expression {
  const compilation = language.compile(text);
  if ("expression" in compilation) return compilation.expression;
  throw new TypeError(`${text}: ${compilation.problems.map(({ message }) => message).join("; ")}`);
}

/** The problems of a text, as `line:column message`. */
export function problemsOf(text: string): string[] {
  const compilation = language.compile(text);
  if ("expression" in compilation) return [];
  return compilation.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

/** The value of an expression, or its failure. */
export function evaluate(text: string, world: World = {}): Result {
  return compiled(text).evaluate(variablesOf(world), world.budget ?? new Budget());
}

/** The code of the failure, which there has to be. */
export function failureOf(text: string, world: World = {}): string {
  const result = evaluate(text, world);
  if (!(result instanceof ExpressionFailure)) throw new TypeError(`${text} has a value`);
  return result.limit === undefined ? result.code : `${result.code} ${result.limit}`;
}
