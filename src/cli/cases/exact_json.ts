/**
 * JSON whose whole numbers are exact, however long they are, and a form of it in which equal documents are equal texts.
 *
 * @module
 */

/** Also of numbers that no double has. */
const WHOLE = /^-?\d+$/;

/** A number as large as none that a double can hold, of which `JSON.stringify` would make `null`. */
const BEYOND = "1e999";

/** Parses JSON; whole numbers that no double has become bigints. @throws {SyntaxError} */
export function parseExact(text: string): unknown {
  const revive = (_key: string, value: unknown, { source }: { readonly source?: string } = {}) =>
    typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && WHOLE.test(source)
      ? BigInt(source)
      : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

/** Laid out with two spaces a level and with sorted keys. @param value as {@linkcode parseExact} gives it */
export function canonicalText(value: unknown): string {
  return written(value, "");
}

function written(value: unknown, indent: string): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return value > 0 ? BEYOND : `-${BEYOND}`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inside = `${indent}  `;
  const [open, close, items] = Array.isArray(value)
    ? ["[", "]", value.map((item) => written(item, inside))]
    : ["{", "}", membersOf(value as Readonly<Record<string, unknown>>, inside)];
  if (items.length === 0) return open + close;
  return `${open}\n${items.map((item) => inside + item).join(",\n")}\n${indent}${close}`;
}

function membersOf(value: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.keys(value).sort().map((name) => `${JSON.stringify(name)}: ${written(value[name], indent)}`);
}
