/**
 * Empty texts where the Python original takes them as not set.
 *
 * @module
 */

import type { z } from "zod";
import { chainItemSchema } from "./delivery_schema.ts";
import { GUARD_KEYS } from "./guard_hint.ts";
import { webhookSchema } from "./schema.ts";
import { fieldsOf } from "../../schema/known_keys.ts";

/**
 * Leaves out what is an empty text and need not be given, down to the last object that the schema describes:
 * `{$REDIS_PASSWORD:}` is a text whatever stands behind it, so an empty one is how files say "not given".
 * Empty texts of required keys stay, to be reported, and so do those of fields whose meta data say
 * `emptyIsValue`.
 *
 * @param kept keys at the top that an empty text is not taken away from: they keep somebody out
 */
export function withoutEmptyTexts(
  value: unknown,
  schema: z.ZodType | undefined,
  kept: readonly string[] = [],
): unknown {
  // Few values have one: the schema is looked through for those alone.
  if (schema === undefined || !isObject(value) || !holdsEmptyText(value)) return value;
  const fields = fieldsOf(schema);
  let copy: Record<string, unknown> | undefined;
  for (const [key, child] of Object.entries(value)) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field === undefined) continue;
    if (child === "") {
      if (kept.includes(key) || !mayBeLeftOut(field)) continue;
      copy ??= { ...value };
      delete copy[key];
    } else if (typeof child === "object") {
      const inner = withoutEmptyTexts(child, field);
      if (inner !== child) (copy ??= { ...value })[key] = inner;
    }
  }
  return copy ?? value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function holdsEmptyText(value: object): boolean {
  for (const key in value) {
    const child = (value as Record<string, unknown>)[key];
    if (child === "") return true;
    if (typeof child === "object" && child !== null && holdsEmptyText(child)) return true;
  }
  return false;
}

function mayBeLeftOut(field: z.ZodType): boolean {
  return field.meta()?.["emptyIsValue"] !== true && field.safeParse(undefined).success;
}

/** The same of a webhook and the steps of its chain. Keys that keep somebody out are left to their own schemas. */
export function webhookWithoutEmptyTexts(
  webhook: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const given = withoutEmptyTexts(webhook, webhookSchema, GUARD_KEYS) as typeof webhook;
  const { chain } = given;
  return Array.isArray(chain) && holdsEmptyText(chain)
    ? { ...given, chain: chain.map((step) => withoutEmptyTexts(step, chainItemSchema)) }
    : given;
}
