/**
 * How log records look: one JSON object a line for machines, or one readable line for people. Neither
 * shows a credential, and neither lets a logged text begin a line of its own.
 *
 * @module
 */

import type { LogRecord } from "@logtape/logtape";
import { isSensitiveName, REDACTED, redactJson } from "./redaction.ts";
import { escapeUnsafe, quoteJson } from "./safe_text.ts";

/** Turns a record into one line, or one line and indented ones that belong to it, without a final newline. */
export type LogFormat = (record: LogRecord) => string;

/** Longest message, and longest value of one property, in characters. */
const MAX_LENGTH = 10_000;

/** How many causes below an error get a stack; an error may be its own cause. */
const MAX_CAUSES = 5;

/** What every JSON line has. A property of the same name gets a `_` in front. */
const OWN_FIELDS = new Set(["timestamp", "level", "category", "message"]);

/** User and password in a URL, which libraries like to put into their error messages. */
const URL_CREDENTIALS = /:\/\/[^\s/@]*@/g;

/**
 * JSON lines: `timestamp`, `level`, `category`, `message`, then the record's properties. Their names are written
 * like those of events and answers: `request_id`.
 *
 * @param withStacks whether errors show where they were thrown. @default false
 */
export function formatJson(record: LogRecord, withStacks = false): string {
  let line = `{"timestamp":"${new Date(record.timestamp).toISOString()}","level":"${record.level}"` +
    `,"category":${quoteJson(record.category.join("."))},"message":${quoteJson(message(record))}`;
  for (const [name, value] of Object.entries(record.properties)) {
    const json = toJson(name, value, withStacks);
    if (json !== undefined) {
      line += `,${quoteJson(OWN_FIELDS.has(name) ? "_" + name : fieldName(name))}:${json}`;
    }
  }
  return line + "}";
}

/**
 * For people: time, level, category, message, and `key=value` of what the message does not say.
 *
 * @param withStacks whether the stacks of errors follow, indented. @default false
 */
export function formatText(record: LogRecord, withStacks = false): string {
  const time = new Date(record.timestamp).toISOString();
  const level = record.level.toUpperCase().padEnd(7);
  const text = message(record);
  let line = `${time} ${level} ${record.category.join(".")}: ${text}`;
  let stacks = "";
  // One that was cut may not have said them.
  const said = new Set(text.length > MAX_LENGTH ? [] : placeholders(record.rawMessage));
  for (const [name, value] of Object.entries(record.properties)) {
    if (said.has(name)) continue;
    if (value instanceof Error && !isSensitiveName(name)) {
      line += ` ${fieldName(name)}=${JSON.stringify(summarize(value))}`;
      stacks += withStacks ? stackFrames(value) : causesOf(value);
    } else {
      const json = toJson(name, value, withStacks);
      if (json !== undefined) line += ` ${fieldName(name)}=${json}`;
    }
  }
  return escapeUnsafe(line) + stacks;
}

/** `requestId` as `request_id`. */
function fieldName(property: string): string {
  return property.replace(/[A-Z]+/g, (capitals) => `_${capitals.toLowerCase()}`);
}

/** The message with the values of its placeholders, shortened; the ones that name credentials are left out. */
function message(record: LogRecord): string {
  const names = placeholders(record.rawMessage);
  const text = record.message.map((part, index) => {
    if (index % 2 === 0) return String(part);
    const name = names[(index - 1) / 2];
    return name !== undefined && isSensitiveName(name) ? REDACTED : inMessage(part);
  }).join("");
  return cut(text);
}

/** The names of `{name}` placeholders, in order; LogTape hands over their values alone. */
function placeholders(template: string | TemplateStringsArray): string[] {
  if (typeof template !== "string") return [];
  const names = [];
  for (const [, name] of template.matchAll(/\{\{|\}\}|\{([^{}]*)\}/g)) {
    if (name !== undefined) names.push(name);
  }
  return names;
}

function inMessage(value: unknown): string {
  if (typeof value === "string") return withoutUrlCredentials(value);
  if (value instanceof Error) return summarize(value);
  return JSON.stringify(redactJson(value, describe)) ?? String(value);
}

function summarize(error: Error): string {
  const code = "code" in error ? ` [${error.code}]` : "";
  return withoutUrlCredentials(`${error.name}${code}: ${error.message}`);
}

/** The lines of the stack that name places in the code (the others repeat the message), then the causes'. */
function stackFrames(error: Error, causes = MAX_CAUSES): string {
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  const lines = frames.map((frame) => "\n    " + escapeUnsafe(withoutUrlCredentials(frame.trim()))).join("");
  if (!(error.cause instanceof Error) || causes === 0) return lines;
  const cause = escapeUnsafe(summarize(error.cause));
  return `${lines}\n    caused by ${cause}${stackFrames(error.cause, causes - 1)}`;
}

/** What lies beneath an error, each on a line, as far as it says something else. */
function causesOf({ cause, message }: Error, most = MAX_CAUSES): string {
  if (!(cause instanceof Error) || most === 0) return "";
  const line = message.includes(cause.message) ? "" : `\n    caused by ${escapeUnsafe(summarize(cause))}`;
  return line + causesOf(cause, most - 1);
}

/** One property as safe JSON text; `undefined` when JSON leaves such a value out. */
function toJson(name: string, value: unknown, withStacks: boolean): string | undefined {
  if (isSensitiveName(name)) return quoteJson(REDACTED);
  const json = JSON.stringify(redactJson(value, withStacks ? describeAll : describe));
  if (json === undefined) return undefined;
  return json.length > MAX_LENGTH ? quoteJson(cut(json)) : escapeUnsafe(json);
}

/** Turns what JSON does not know into what it does. */
function describe(value: unknown): unknown {
  return value instanceof Error ? describeError(value) : describeAll(value);
}

/** The same, with the stacks of errors. */
function describeAll(value: unknown): unknown {
  if (typeof value === "string") return withoutUrlCredentials(value);
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return { ...describeError(value), stack: value.stack };
  if (value instanceof Date) return value.toJSON();
  if (value instanceof URL) return withoutUrlCredentials(value.href);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return value;
}

function describeError(error: Error): Record<string, unknown> {
  return {
    name: error.name,
    message: error.message,
    ...("code" in error && { code: error.code }),
    ...(error.cause !== undefined && { cause: error.cause }),
    ...(error instanceof AggregateError && { errors: error.errors }),
  };
}

function withoutUrlCredentials(text: string): string {
  return text.includes("@") ? text.replace(URL_CREDENTIALS, `://${REDACTED}@`) : text;
}

function cut(text: string): string {
  if (text.length <= MAX_LENGTH) return text;
  return `${text.slice(0, MAX_LENGTH)}… (${text.length} characters)`;
}
