/**
 * Changes one value of a JSON text and leaves the rest as it is written: white space, remarks, the order of keys and
 * the spelling of numbers.
 *
 * @module
 */

import { endOfValue, skipSpace } from "../../json/source.ts";
import { endOfString } from "../../json/strings.ts";

const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/** A member of an object, or an element of an array: indices into the text, the ends exclusive. */
interface Item {
  /** The name of a member; the index of an element. */
  readonly name: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** An edit that cannot be made. The message says why, and shows no value. */
export class EditError extends Error {
  override readonly name = "EditError";
}

/**
 * Puts a value at a place. What is missing on the way becomes objects.
 *
 * @param json valid JSON
 * @param path names of members and indices of elements, at least one; an element's index may be one past the last
 * @param value valid JSON
 * @throws {EditError} where the way leads through something that has no such place
 */
export function setAt(json: string, path: readonly string[], value: string): string {
  const [name = "", ...rest] = path;
  const items = itemsOf(json);
  const isArray = items.kind === "array";
  const found = items.all.findLast((item) => item.name === name);
  if (found !== undefined) {
    const text = json.slice(found.valueStart, found.end);
    const changed = rest.length === 0 ? value : setAt(text, rest, value);
    return json.slice(0, found.valueStart) + changed + json.slice(found.end);
  }
  if (isArray && name !== String(items.all.length)) {
    throw new EditError(`There is no element '${name}' in a list of ${items.all.length}`);
  }
  const added = rest.length === 0 ? value : setAt("{}", rest, value);
  return append(json, items, isArray ? added : `${JSON.stringify(name)}: ${added}`);
}

/**
 * Takes a member or an element out, with the comma that belonged to it.
 *
 * @returns the same text where there is none
 * @throws {EditError} where the way leads through something that is no object and no list
 */
export function removeAt(json: string, path: readonly string[]): string {
  const [name = "", ...rest] = path;
  const { all } = itemsOf(json);
  const index = all.findLastIndex((item) => item.name === name);
  const found = all[index];
  if (found === undefined) return json;
  if (rest.length > 0) {
    const changed = removeAt(json.slice(found.valueStart, found.end), rest);
    return json.slice(0, found.valueStart) + changed + json.slice(found.end);
  }
  const former = all[index - 1];
  const next = all[index + 1];
  if (former !== undefined) return json.slice(0, former.end) + json.slice(found.end);
  return json.slice(0, found.start) + json.slice(next?.start ?? found.end);
}

/** What is written as a member's value, and the white space that its line begins with. */
export interface MemberText {
  readonly text: string;
  readonly indent: string;
}

/** A member at the top of an object; of members with the same name the last one. `undefined` where there is none. */
export function memberText(json: string, name: string): MemberText | undefined {
  const found = itemsOf(json).all.findLast((item) => item.name === name);
  if (found === undefined) return undefined;
  const before = json.slice(json.lastIndexOf("\n", found.start) + 1, found.start);
  return {
    text: json.slice(found.valueStart, found.end),
    indent: before.trim() === "" ? before : "",
  };
}

/** Whether an object or a list has nothing in it. */
export function isEmpty(json: string): boolean {
  return itemsOf(json).all.length === 0;
}

/** Lines of a text after the first one, moved to the right. */
export function indentLines(text: string, indent: string): string {
  return text.replaceAll("\n", `\n${indent}`);
}

interface Items {
  readonly kind: "object" | "array";
  readonly all: readonly Item[];
  /** The index after the bracket that opens it. */
  readonly inside: number;
}

function itemsOf(json: string): Items {
  const open = skipSpace(json, 0);
  const code = json.charCodeAt(open);
  if (code !== OPEN_BRACE && code !== OPEN_BRACKET) {
    throw new EditError("The way leads through a value that is no object and no list");
  }
  const isObject = code === OPEN_BRACE;
  const all: Item[] = [];
  let start = skipSpace(json, open + 1);
  while (json[start] !== "}" && json[start] !== "]" && start < json.length) {
    let valueStart = start;
    let name = String(all.length);
    if (isObject) {
      const nameEnd = endOfString(json, start);
      name = JSON.parse(json.slice(start, nameEnd)) as string;
      valueStart = skipSpace(json, skipSpace(json, nameEnd) + 1);
    }
    const end = endOfValue(json, valueStart);
    all.push({ name, start, valueStart, end });
    const next = skipSpace(json, end);
    start = json.charCodeAt(next) === COMMA ? skipSpace(json, next + 1) : next;
  }
  return { kind: isObject ? "object" : "array", all, inside: open + 1 };
}

/** Puts an item behind all others, laid out as the one before it. */
function append(json: string, { all, inside }: Items, item: string): string {
  const last = all.at(-1);
  if (last === undefined) return json.slice(0, inside) + item + json.slice(skipSpace(json, inside));
  const space = json.slice(all.length > 1 ? all.at(-2)!.end : inside, last.start).replace(",", "");
  const isOnOwnLine = space.includes("\n");
  const indent = isOnOwnLine ? space.slice(space.lastIndexOf("\n")) : all.length > 1 ? space : " ";
  const text = isOnOwnLine ? indentLines(item, indent.slice(1)) : item;
  return `${json.slice(0, last.end)},${indent}${text}${json.slice(last.end)}`;
}
