/**
 * The variables that expressions may name.
 *
 * @module
 */

import type { StaticType } from "../value.ts";

/**
 * What a variable is.
 *
 * - `json`: any value of JSON, such as a body that {@linkcode parseExactly} has read.
 * - `texts`: a `Texts`, of which only the names are read that the expression asks for.
 * - `record`: an object whose members are known, so that others are a problem of the expression.
 * - `unavailable`: a variable that is a problem wherever it is named, and why.
 */
export type VariableDeclaration =
  | { readonly kind: "json" }
  | { readonly kind: "texts" }
  | { readonly kind: "record"; readonly members: Readonly<Record<string, StaticType>> }
  | { readonly kind: "unavailable"; readonly reason: string };

/** The variables by their names. */
export type Declarations = Readonly<Record<string, VariableDeclaration>>;

/** What an expression reads, so that nothing has to be made ready that it does not. */
export interface Reads {
  /** The variables that it names. */
  readonly variables: ReadonlySet<string>;
  /**
   * The names that it asks each variable of the kind `texts` for by literals. Any other name that it may come upon is one
   * of its own names.
   */
  readonly texts: ReadonlyMap<string, ReadonlySet<string>>;
  /** The variables of the kind `json` of which it may read all, and not only members that it names. */
  readonly whole: ReadonlySet<string>;
}
