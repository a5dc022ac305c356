/**
 * Applies a JSON Merge Patch (RFC 7396): objects are merged member by member, and `null` removes a member. All other
 * values, arrays above all, take the place of what was there. Neither value is changed.
 *
 * @param target as parsed; `undefined` where there is nothing yet
 * @param patch as parsed, and nested no deeper than a stack allows
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map<string, unknown>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  // Not by assignment, to which the name `__proto__` means something else.
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
