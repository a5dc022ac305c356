/**
 * Values of JSON as JSON Schema compares them: by what they mean. Numbers are those that `JSON.parse` makes.
 *
 * @module
 */

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The types of JSON Schema. */
export type TypeName = "null" | "boolean" | "object" | "array" | "number" | "string" | "integer";

/** Whether a value is an object, and neither a list nor `null`. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value has a type, by type. A number without a fraction is an integer, however it is written. */
export const HAS_TYPE: Readonly<Record<TypeName, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: Array.isArray,
  object: isObject,
};

/**
 * Names that every object has: whether a document has one of them, such as `toString`, only looking closer tells. Of all
 * others a value is enough, which takes a tenth of the time.
 */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** Whether a property is the object's own. */
export function hasOwn(value: JsonObject, name: string): boolean {
  return isInherited(name) ? Object.hasOwn(value, name) : value[name] !== undefined;
}

/**
 * A text that two values share if, and only if, they are equal: names of objects in one order.
 *
 * @param spend called with the work that each value takes, before it is done
 */
export function canonicalText(value: unknown, spend: (count: number) => void): string {
  if (typeof value !== "object" || value === null) {
    spend(typeof value === "string" ? 2 + value.length / 16 : 2);
    return JSON.stringify(value);
  }
  spend(8);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item, spend)).join(",")}]`;
  const keys = Object.keys(value).sort();
  const members = keys.map((key) =>
    `${JSON.stringify(key)}:${canonicalText((value as JsonObject)[key], spend)}`
  );
  return `{${members.join(",")}}`;
}

/** How many characters a text has: code points, as RFC 8259 counts them. */
export function characterCount(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    const isPair = (text.charCodeAt(index) & 0xfc00) === 0xd800 &&
      (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
    if (isPair) {
      count--;
      index++;
    }
  }
  return count;
}

/** Whether one number is a multiple of another, as far as their decimal digits go: 0.3 is one of 0.1. */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (value % divisor === 0) return true;
  const quotient = value / divisor;
  if (!Number.isFinite(quotient)) return false;
  const nearest = Math.round(quotient);
  // As exact as the digits of the quotient can be: 0.00751 is no multiple of 0.01.
  return Math.abs(quotient - nearest) <= Number.EPSILON * Math.max(1, Math.abs(nearest));
}
