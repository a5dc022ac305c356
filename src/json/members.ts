/**
 * JSON as text. Values are carried over by their text, never parsed and written again: numbers keep every
 * digit, keys their order, strings their escapes.
 *
 * @module
 */

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** A key of a JSON object with the text of its value. */
export interface JsonMember {
  readonly name: string;
  /** Without white space between the tokens. */
  readonly text: string;
}

/**
 * Leaves out the white space between the tokens.
 *
 * @param json valid JSON
 */
export function compactJson(json: string): string {
  return tokensOf(json).join("");
}

/**
 * Lays JSON out with two spaces a level, as `JSON.stringify` does.
 *
 * @param json valid JSON
 */
export function formatJson(json: string): string {
  return formatJsonWithin(json, Infinity)!;
}

/**
 * As {@linkcode formatJson}, unless that is longer than `longest` characters: deep nesting can make a text many times
 * as long, which is not waited for.
 *
 * @param json valid JSON
 * @returns `undefined` where it would be longer
 */
export function formatJsonWithin(json: string, longest: number): string | undefined {
  let text = "";
  let depth = 0;
  let previous = "";
  for (const token of tokensOf(json)) {
    const closes = isClosing(token);
    if (closes) depth--;
    const isEmpty = closes && isOpening(previous);
    const breaks = previous === "," || isOpening(previous) || closes;
    if (breaks && !isEmpty) text += `\n${"  ".repeat(depth)}`;
    else if (previous === ":") text += " ";
    text += token;
    if (text.length > longest) return undefined;
    if (isOpening(token)) depth++;
    previous = token;
  }
  return text;
}

/**
 * The members of a JSON object in the order of the text. A key that stands more than once is there more
 * than once.
 *
 * @param json valid JSON with an object at its top level
 */
export function splitMembers(json: string): JsonMember[] {
  const members: JsonMember[] = [];
  let depth = 0;
  let name: string | undefined;
  let value: string[] = [];
  for (const token of tokensOf(json)) {
    if (isClosing(token)) depth--;
    const endsMember = (depth === 1 && token === ",") || depth === 0;
    if (endsMember && name !== undefined) {
      members.push({ name, text: value.join("") });
      name = undefined;
      value = [];
    } else if (name !== undefined) {
      if (value.length > 0 || token !== ":") value.push(token);
    } else if (depth === 1 && token !== ",") {
      name = JSON.parse(token) as string;
    }
    if (isOpening(token)) depth++;
  }
  return members;
}

/** The inverse of {@linkcode splitMembers}, laid out for a file. */
export function formatMembers(members: readonly JsonMember[]): string {
  const text = members.map(({ name, text }) => `${JSON.stringify(name)}:${text}`).join(",");
  return `${formatJson(`{${text}}`)}\n`;
}

function tokensOf(json: string): readonly string[] {
  return json.match(TOKEN) ?? [];
}

function isOpening(token: string): boolean {
  return token === "{" || token === "[";
}

function isClosing(token: string): boolean {
  return token === "}" || token === "]";
}
