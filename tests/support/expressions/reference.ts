/**
 * Another implementation of CEL, to ask it the same questions: `@bufbuild/cel`, which passes 1,081 of the 1,090
 * conformance cases of the core language.
 *
 * @module
 */

import { celEnv, isCelError, isCelList, isCelMap, parse, plan } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import type { Value } from "../../../src/expressions/expressions.ts";

const environment = celEnv({ funcs: strings });

/** What it makes of an expression: a value, or that it is an error. */
export type ReferenceResult = { readonly value: Value } | "error";

/** Evaluates an expression over a body. */
export function evaluateByReference(text: string, body: Value): ReferenceResult {
  try {
    const result: unknown = plan(environment, parse(text))({ body: body as never });
    return isCelError(result) ? "error" : { value: valueOf(result) };
  } catch {
    // Whatever it throws, it has no value.
    return "error";
  }
}

function valueOf(value: unknown): Value {
  if (isCelList(value)) return [...value].map(valueOf);
  if (isCelMap(value)) {
    return Object.fromEntries([...value].map(([name, member]) => [String(name), valueOf(member)]));
  }
  if (Array.isArray(value)) return value.map(valueOf);
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, valueOf(member)]));
  }
  return value as Value;
}
