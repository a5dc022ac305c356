/**
 * Compiles `payload` of a webhook or a step.
 *
 * @module
 */

import type { Expression } from "../../expressions/expressions.ts";
import type { HiddenNames } from "../variables.ts";
import type { Cut } from "./cutter.ts";
import { type CutOut, EventPayload, type Wrapping } from "./payload.ts";
import { placesOf } from "./places.ts";
import type { PayloadConfig } from "./schema.ts";
import { Template, type TemplateProblem } from "./template.ts";

/** What a payload is compiled with. */
export interface PayloadContext {
  /** Whether it gets documents. */
  readonly isJson: boolean;
  readonly hidden: HiddenNames;
  /** Of what is built, in characters. */
  readonly maxLength: number;
  /** Compiles an expression at a place of the payload; `undefined` where it is none, which it has recorded. */
  expression(text: string, path: readonly string[]): Expression | undefined;
}

/** A payload that is ready for use. */
export interface CompiledPayload {
  readonly payload: EventPayload;
  /** Whether what it makes is JSON. */
  readonly makesJson: boolean;
}

/** @param config as its schema has taken it */
export function compilePayload(
  config: PayloadConfig,
  context: PayloadContext,
): CompiledPayload | { readonly problems: readonly TemplateProblem[] } {
  const { keep, drop, mask, build, wrap } = config;
  const { isJson, maxLength, hidden } = context;
  const problems: TemplateProblem[] = [];
  const cuts = [...cutOf("keep", keep), ...cutOf("drop", drop), ...cutOf("mask", mask)];
  if (!isJson) {
    for (const { cut } of cuts) {
      problems.push({
        path: [cut],
        message: "Expected with JSON only: with 'data_type' 'blob' there is no document",
      });
    }
  }
  const template = build === undefined
    ? undefined
    : Template.compile(build, (text, path) => context.expression(text, ["build", ...path]));
  if (template !== undefined && !(template instanceof Template)) {
    problems.push(...template.map(({ path, message }) => ({ path: ["build", ...path], message })));
    return { problems };
  }
  const wrapping = wrap === undefined ? undefined : wrappingOf(config, context);
  if (problems.length > 0) return { problems };
  return {
    payload: new EventPayload({ cuts, template, wrapping, isJson, maxLength, hidden }),
    makesJson: isJson || template !== undefined || wrapping !== undefined,
  };
}

function cutOf(cut: Cut, pointers: readonly string[] | undefined): CutOut[] {
  const places = pointers && placesOf(pointers);
  return places === undefined ? [] : [{ cut, places }];
}

function wrappingOf({ type, subject, source }: PayloadConfig, context: PayloadContext): Wrapping {
  const compile = (text: string | undefined, key: string) =>
    text === undefined ? undefined : context.expression(text, [key]);
  return {
    type: compile(type, "type"),
    subject: compile(subject, "subject"),
    source: compile(source, "source"),
  };
}
