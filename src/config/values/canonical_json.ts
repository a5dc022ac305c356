/** JSON with sorted keys: the same settings in another order are the same connection. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, child: unknown) =>
      child !== null && typeof child === "object" && !Array.isArray(child)
        ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => a < b ? -1 : 1))
        : child,
  );
}
