import type { z } from "zod";

/** The keys of the object schema at a path, looking through arrays, optional, default and transform wrappers. */
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
