/**
 * Names with placeholders in braces, such as `orders.{/order/country}`: topics, routing keys, files. How a value is
 * encoded and bounded, so that it cannot become more than it stands for, is up to the system whose names they are.
 *
 * @module
 */

import type { Event } from "../event/event.ts";
import { nameWithPlaces } from "../policy/destination.ts";
import { JsonPointer } from "../json/pointer.ts";

/** A pattern, taken apart. */
export interface NamePattern {
  /** The texts around the placeholders: one more than there are placeholders. A brace in them has no counterpart. */
  readonly literals: readonly string[];
  /** What stands between braces. */
  readonly names: readonly string[];
}

/** A value of the event; `undefined` where it has none. */
export type EventValue = (event: Event) => string | undefined;

/** Takes a pattern apart. */
export function splitPattern(pattern: string): NamePattern {
  // Odd parts are the names of placeholders, even ones the text between them.
  const parts = pattern.split(/\{([^{}]*)\}/);
  return {
    literals: parts.filter((_, index) => index % 2 === 0),
    names: parts.filter((_, index) => index % 2 === 1),
  };
}

/** A pattern as policies know it. */
export function destinationName(pattern: string): string {
  const { literals, names } = splitPattern(pattern);
  return nameWithPlaces(literals, names);
}

/**
 * What each of the placeholders stands for: a value that is known of every event, or a place in its payload.
 *
 * @returns the values in the same order, or one sentence about what is wrong
 */
export function findValues(
  names: readonly string[],
  known: Readonly<Record<string, EventValue>>,
): readonly EventValue[] | { readonly problem: string } {
  const values: EventValue[] = [];
  for (const name of names) {
    const value = Object.hasOwn(known, name) ? known[name] : valueAt(name);
    if (value === undefined) {
      const problem = `${unknownPlaceholder(name, known)}, or a place in the payload such as {/order/id}`;
      return { problem };
    }
    values.push(value);
  }
  return values;
}

function valueAt(place: string): EventValue | undefined {
  const pointer = place === "" ? undefined : JsonPointer.parse(place);
  return pointer && (({ body }) => pointer.scalarIn(body)?.text);
}

/** Says that a placeholder is not one of those that are known. A sentence without its full stop. */
export function unknownPlaceholder(name: string, known: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(known).map((each) => `{${each}}`).join(", ");
  return `Placeholder {${name}} is not known: use ${names}`;
}

/** A pattern with texts in the places of its placeholders. @param textFor their number, from 0 */
export function fillPattern(
  { literals }: Pick<NamePattern, "literals">,
  textFor: (index: number) => string,
): string {
  let name = literals[0]!;
  for (let index = 1; index < literals.length; index++) name += textFor(index - 1) + literals[index]!;
  return name;
}
