/**
 * Hints beside problems of keys that keep somebody out.
 *
 * @module
 */

import { verifierKinds } from "../../auth/registry.ts";
import type { ProblemReason } from "../problem.ts";

/** The webhook's keys that keep somebody out. */
export const VERIFIER_KEYS: readonly string[] = verifierKinds.map(({ key }) => key);

/**
 * Says of an authentication key without a value how to mend it, once: it is a mistake, or meant to be none, and
 * the Python original takes it for none without saying so.
 */
export function withGuardHints(
  reasons: readonly ProblemReason[],
  webhook: Readonly<Record<string, unknown>>,
): ProblemReason[] {
  const hinted = new Map<string, ProblemReason>();
  for (const reason of reasons) {
    const { path } = reason;
    const message = isOfGuard(path) && isEmpty(valueAt(webhook, path)) ? hintFor(path) : reason.message;
    hinted.set(`${path}: ${message}`, { ...reason, message });
  }
  return [...hinted.values()];
}

function hintFor(path: string): string {
  const [key, ...inside] = path.split(".");
  const what = inside.length === 0 ? "the key" : `the key '${key}'`;
  return `Must not be empty: remove ${what} to leave the webhook open`;
}

function isOfGuard(path: string): boolean {
  return VERIFIER_KEYS.includes(path.split(".", 1)[0]!);
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
