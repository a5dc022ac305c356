/**
 * Hints beside problems of keys that keep somebody out.
 *
 * @module
 */

import { verifierKinds } from "../../auth/registry.ts";
import { ruleFields } from "../../rules/rules.ts";
import type { ProblemReason } from "../problem.ts";

const VERIFIER_KEYS: readonly string[] = verifierKinds.map(({ key }) => key);

/** The webhook's keys that keep somebody or something out. */
export const GUARD_KEYS: readonly string[] = [...VERIFIER_KEYS, ...Object.keys(ruleFields)];

/**
 * Says of such a key without a value how to mend it, once: it is a mistake, or meant to be none, and
 * the Python original takes it for none without saying so.
 *
 * @param requireAuth whether a webhook without authentication has to say so
 */
export function withGuardHints(
  reasons: readonly ProblemReason[],
  webhook: Readonly<Record<string, unknown>>,
  requireAuth = false,
): ProblemReason[] {
  const hinted = new Map<string, ProblemReason>();
  for (const reason of reasons) {
    const { path } = reason;
    const isHinted = isOfGuard(path) && isEmpty(valueAt(webhook, path));
    const message = isHinted ? hintFor(path, requireAuth) : reason.message;
    hinted.set(`${path}: ${message}`, { ...reason, message });
  }
  return [...hinted.values()];
}

function hintFor(path: string, requireAuth: boolean): string {
  const [key, ...inside] = path.split(".");
  const what = inside.length === 0 ? "the key" : `the key '${key}'`;
  if (!VERIFIER_KEYS.includes(key!)) return `Must not be empty: remove ${what} to do without it`;
  const how = requireAuth ? `write "auth": "none" in the place of ${what}` : `remove ${what}`;
  return `Must not be empty: ${how} to leave the webhook open`;
}

function isOfGuard(path: string): boolean {
  return GUARD_KEYS.includes(path.split(".", 1)[0]!);
}

function valueAt(value: unknown, path: string): unknown {
  return path.split(".").reduce(
    (inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key],
    value,
  );
}

/** Whether a value says nothing: an empty text, list or object, no value at all, or `false`. */
function isEmpty(value: unknown): boolean {
  if (typeof value === "string") return value.trim() === "";
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === false;
}
