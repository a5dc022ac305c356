/**
 * The contract of a keyword: a function that makes a check of its value.
 *
 * @module
 */

import type { Place, Places, Schema } from "./places.ts";
import type { Check } from "./run.ts";

/** What a keyword is compiled with. */
export interface KeywordContext {
  readonly place: Place;
  readonly places: Places;
  /** Compiles a schema within the keyword's value. */
  compile(schema: unknown): Check;
  /** Compiles what a reference leads to. It may lead to what is being compiled. */
  refer(schema: Schema): Check;
}

/** Compiles one keyword; `undefined` where it asks for nothing, since another one reads it. */
export type KeywordCompiler = (value: never, context: KeywordContext) => Check | undefined;
