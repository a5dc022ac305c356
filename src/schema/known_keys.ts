/**
 * The keys that a schema knows, for hints at misspelt ones.
 *
 * @module
 */

import type { z } from "zod";

/** The fields of an object schema, looking through optional, default and transform wrappers; none of others. */
export function fieldsOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  return (unwrap(schema) as { shape?: Record<string, z.ZodType> } | undefined)?.shape ?? NO_FIELDS;
}

const NO_FIELDS: Readonly<Record<string, never>> = {};

/** The keys of the object schema at a path, looking through the same wrappers and through arrays. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[] = []): string[] {
  let current: unknown = unwrap(schema);
  for (const step of path) {
    const { element, shape } = current as { element?: unknown; shape?: Record<PropertyKey, unknown> };
    if (element === undefined && shape === undefined) return [];
    current = unwrap(element ?? shape?.[step]);
  }
  return Object.keys((current as { shape?: object } | undefined)?.shape ?? {});
}

function unwrap(schema: unknown): unknown {
  let current = schema as
    | { def?: { innerType?: unknown; in?: unknown; out?: unknown; type?: string } }
    | undefined;
  while (current?.def !== undefined) {
    // A preprocess is a pipe whose input is a transform; its schema is the output.
    const inner = current.def.innerType ??
      ((current.def.in as typeof current)?.def?.type === "transform" ? current.def.out : current.def.in);
    if (inner === undefined) return current;
    current = inner as typeof current;
  }
  return current;
}
