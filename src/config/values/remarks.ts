/**
 * What the author of a webhook or a connection wrote for people: remarks, which the gateway leaves out.
 *
 * @module
 */

import type { JsonPath } from "../../json/text.ts";

/** Whether a key of a webhook or a connection is a remark. */
export function isRemark(key: string): boolean {
  switch (key[0]) {
    case "_":
      return true;
    case "x":
      return key[1] === "-";
    default:
      return key === "description" || key === "//" || key === "$schema";
  }
}

/**
 * Leaves the remarks out: at the top level and directly below it, and in the same way in the steps of a chain; but
 * no deeper, where keys are data (HTTP headers begin with `x-` too).
 *
 * @param value a webhook or a connection
 */
export function withoutRemarks(value: object): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (isRemark(key)) continue;
    const child = (value as Record<string, unknown>)[key];
    kept[key] = key === "chain" && Array.isArray(child)
      ? child.map((step) => isObject(step) ? withoutRemarks(step) : step)
      : withoutOwnRemarks(key, child);
  }
  return kept;
}

function withoutOwnRemarks(key: string, value: unknown): unknown {
  if (key === SCHEMA || !isObject(value) || !Object.keys(value).some(isRemark)) return value;
  return Object.fromEntries(Object.entries(value).filter(([childKey]) => !isRemark(childKey)));
}

/** All of its keys are data: what `$schema` says decides how the others are read. */
const SCHEMA = "json_schema";

/**
 * Whether a way into a webhook or a connection leads to a remark or through one.
 *
 * @param start where in `path` the webhook's or the connection's own keys begin
 */
export function isInRemark(path: JsonPath, start: number): boolean {
  const [key, child] = path.slice(start, start + 2);
  if (key === undefined || child === undefined) return isRemarkKey(key);
  if (key === "chain") return isInRemark(path, start + 2);
  return isRemarkKey(key) || (key !== SCHEMA && isRemarkKey(child));
}

function isRemarkKey(key: string | number | undefined): boolean {
  return typeof key === "string" && isRemark(key);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
