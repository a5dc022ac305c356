/**
 * The conformance cases of CEL, as far as they are about values of JSON, and what the language of the gateway makes of
 * them.
 *
 * @module
 */

import { tests } from "@bufbuild/cel-spec/testdata/conformance.js";
import {
  Budget,
  ExpressionFailure,
  ExpressionLanguage,
  type Value,
} from "../../../src/expressions/expressions.ts";

/**
 * How a case ends.
 *
 * - `held`: with the value that the specification asks for, or without one where it asks for an error.
 * - `refused`: the expression is a problem, though the specification has a value for it.
 * - `failed`: evaluating it failed, though the specification has a value for it.
 * - `other`: with another value than the specification asks for.
 */
export type Verdict = "held" | "refused" | "failed" | "other";

/** One case, by its suite and its name within it. */
export interface Outcome {
  readonly suite: string;
  readonly name: string;
  readonly expression: string;
  readonly verdict: Verdict;
}

interface Case {
  readonly original: Original;
}

interface Original {
  readonly name?: string;
  readonly expr: string;
  readonly value?: Wire;
  readonly typedResult?: { readonly result?: Wire };
  readonly evalError?: unknown;
  readonly anyEvalErrors?: unknown;
  readonly checkOnly?: boolean;
  readonly bindings?: Readonly<Record<string, { readonly value: Wire }>>;
  readonly typeEnv?: readonly { readonly name: string }[];
}

/** A value as the cases write it. */
type Wire = Readonly<Record<string, unknown>>;

interface Suite {
  readonly name: string;
  readonly suites?: readonly Suite[];
  readonly tests?: readonly Case[];
}

/** What only cases have that are about messages of Protocol Buffers, or about types alone. */
const MESSAGES =
  /objectValue|proto[23]|google\.protobuf|cel\.expr\.conformance|TestAllTypes|messageType|enumValue|container/;

/** A value that JSON has no counterpart of. */
const FOREIGN = Symbol("foreign");

/** All cases but those about messages. */
export async function runConformance(): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const suite of (tests as Suite).suites ?? []) {
    for (const [name, { original }] of casesOf(suite, "")) {
      if (original.checkOnly === true || MESSAGES.test(JSON.stringify(original))) continue;
      outcomes.push({ suite: suite.name, name, expression: original.expr, verdict: await judge(original) });
    }
  }
  return outcomes;
}

function* casesOf(suite: Suite, path: string): Generator<[string, Case]> {
  for (const each of suite.tests ?? []) yield [`${path}${each.original.name ?? each.original.expr}`, each];
  for (const inner of suite.suites ?? []) yield* casesOf(inner, `${path}${inner.name}/`);
}

async function judge(original: Original): Promise<Verdict> {
  const bindings = Object.entries(original.bindings ?? {})
    .map(([name, { value }]): [string, Value | typeof FOREIGN] => [name, valueOf(value)]);
  if (bindings.some(([, value]) => value === FOREIGN)) return "refused";
  const names = [...bindings.map(([name]) => name), ...(original.typeEnv ?? []).map(({ name }) => name)];
  const language = await ExpressionLanguage.load(
    Object.fromEntries(names.map((name) => [name, { kind: "json" as const }])),
  );
  const asksForError = original.evalError !== undefined || original.anyEvalErrors !== undefined;
  const compilation = language.compile(original.expr);
  if ("problems" in compilation) return asksForError ? "held" : "refused";
  const result = compilation.expression.evaluate(Object.fromEntries(bindings), new Budget());
  if (result instanceof ExpressionFailure) return asksForError ? "held" : "failed";
  const expected = valueOf(original.value ?? original.typedResult?.result ?? { boolValue: true });
  return !asksForError && expected !== FOREIGN && isSame(result, expected) ? "held" : "other";
}

function valueOf(wire: Wire): Value | typeof FOREIGN {
  if ("nullValue" in wire) return null;
  if ("boolValue" in wire) return wire.boolValue as boolean;
  if ("int64Value" in wire) return BigInt(wire.int64Value as string);
  if ("doubleValue" in wire) return Number(wire.doubleValue);
  if ("stringValue" in wire) return wire.stringValue as string;
  if ("listValue" in wire) return listOf((wire.listValue as { values?: Wire[] }).values ?? []);
  if ("mapValue" in wire) return mapOf((wire.mapValue as { entries?: WireEntry[] }).entries ?? []);
  return FOREIGN;
}

interface WireEntry {
  readonly key: Wire;
  readonly value: Wire;
}

function listOf(wires: readonly Wire[]): Value | typeof FOREIGN {
  const values = wires.map(valueOf);
  return values.includes(FOREIGN) ? FOREIGN : values as Value[];
}

function mapOf(entries: readonly WireEntry[]): Value | typeof FOREIGN {
  const members = entries.map(({ key, value }) => [valueOf(key), valueOf(value)]);
  if (members.some(([name, value]) => typeof name !== "string" || value === FOREIGN)) return FOREIGN;
  return Object.fromEntries(members);
}

/** Whether two values are of the same type and the same: `1` is not `1.0` here. */
function isSame(left: Value, right: Value): boolean {
  if (typeof left !== "object" || left === null) {
    return Object.is(left, right) || left === 0 && right === 0;
  }
  if (typeof right !== "object" || right === null || Array.isArray(left) !== Array.isArray(right)) {
    return false;
  }
  const [members, others] = [left as Record<string, Value>, right as Record<string, Value>];
  const names = Object.keys(members);
  return names.length === Object.keys(others).length &&
    names.every((name) => Object.hasOwn(others, name) && isSame(members[name]!, others[name]!));
}
