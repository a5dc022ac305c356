/**
 * One environment variable: its type, its default and its description. The tables of variables are made of
 * these.
 *
 * @module
 */

import type { SettingType } from "./types.ts";

/** An environment variable. */
export interface Variable<Value, Fallback extends Value | undefined> {
  readonly type: SettingType<Value>;
  /** The value while the variable is not set. */
  readonly fallback: Fallback;
  /** One or two sentences for the documentation. */
  readonly description: string;
  /** The default as the documentation shows it. */
  readonly defaultLabel: string;
}

/** A variable with a default. */
export function variable<Value>(
  type: SettingType<Value>,
  fallback: NoInfer<Value>,
  description: string,
  defaultLabel: string = String(fallback),
): Variable<Value, Value> {
  return { type, fallback, description, defaultLabel };
}

/** A variable that may be left out. */
export function optional<Value>(
  type: SettingType<Value>,
  description: string,
  defaultLabel = "(none)",
): Variable<Value, undefined> {
  return { type, fallback: undefined, description, defaultLabel };
}

/** The values of a table of variables, by name. */
export type ValuesOf<Table extends Readonly<Record<string, Variable<unknown, unknown>>>> = {
  readonly [Name in keyof Table]: Table[Name] extends Variable<infer Value, infer Fallback> ? Value | Fallback
    : never;
};

/** An object with the key, or without it when there is no value. */
export function ifSet<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { readonly [Name in Key]?: Value } {
  return value === undefined ? {} : { [key]: value } as { [Name in Key]: Value };
}
