/**
 * Reads the file `.env` of the working directory, whose variables stand beside those of the process.
 *
 * A line is `NAME=value`, also with `export` before it. Around a value that stands in quotes, and around one that does
 * not, white space is dropped; behind it a comment may follow, which begins with `#` after white space. Nothing is
 * expanded: `$HOME` is five characters. In double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` stand for one character
 * each; single quotes have no escapes. Of lines with the same name the last one counts.
 *
 * @module
 */

import { StartupError } from "../errors.ts";
import { readSmallFile, unreadableReason } from "../io/small_file.ts";

/** In the working directory. */
export const DOT_ENV_FILE = ".env";

/** Faulty lines that are named; the others are counted. */
const LISTED_LINES = 20;

const BYTE_ORDER_MARK = "\ufeff";
const REPLACEMENT = "\ufffd";

const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/s;
const DOUBLE_QUOTED = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/s;
const SINGLE_QUOTED = /^'([^']*)'\s*(?:#.*)?$/s;
const COMMENT = /(?:^|\s)#.*$/s;
const ESCAPE = /\\([nrt"\\$])/g;
const ESCAPED: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** Variables, or what is wrong with which line, from 1 on. No line is ever shown: it may hold a secret. */
export interface DotEnv {
  readonly variables: Readonly<Record<string, string>>;
  readonly faults: readonly (Rule & { readonly line: number })[];
}

/**
 * The variables of the process, and those of `.env` that it does not have itself, be they empty there.
 *
 * @param path @default `.env` in the working directory; where there is none, or none may be read, there are no more
 * @throws {StartupError} `settings_invalid` when the file cannot be used, with one line per problem
 */
export async function withDotEnv(
  environment: Readonly<Record<string, string>>,
  path: string = DOT_ENV_FILE,
): Promise<Readonly<Record<string, string>>> {
  const text = await readIfThere(path);
  if (text === undefined) return environment;
  const { variables, faults } = parseDotEnv(text);
  if (faults.length === 0) return { ...variables, ...environment };
  const problems = faults.slice(0, LISTED_LINES).map(({ line, rule }) =>
    `${path}:${line}: The line must ${rule}: it is not shown`
  );
  const more = faults.length - problems.length;
  throw new StartupError("settings_invalid", [
    ...problems,
    ...more > 0 ? [`${path}: ${more} more lines are wrong`] : [],
  ]);
}

async function readIfThere(path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readSmallFile(path);
  } catch (cause) {
    // Where the runtime lets the program read no files, the operator wants none to be read.
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotCapable) return undefined;
    throw unusable(path, unreadableReason(cause), cause);
  }
  if (text.includes(REPLACEMENT)) throw unusable(path, "it is not valid UTF-8");
  return text;
}

function unusable(path: string, reason: string, cause?: unknown): StartupError {
  return new StartupError("settings_invalid", [`${path}: The file cannot be read: ${reason}`], { cause });
}

/** Takes the text of such a file apart. */
export function parseDotEnv(text: string): DotEnv {
  const variables = new Map<string, string>();
  const faults: (Rule & { readonly line: number })[] = [];
  for (const [index, line] of text.replace(BYTE_ORDER_MARK, "").split(/\r\n|\n|\r/).entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const assignment = parseAssignment(trimmed);
    if ("rule" in assignment) faults.push({ line: index + 1, ...assignment });
    else variables.set(assignment.name, assignment.value);
  }
  // Not by assignment, to which the name `__proto__` means another thing.
  return { variables: Object.fromEntries(variables), faults };
}

interface Rule {
  /** What a line that is wrong must be or have. */
  readonly rule: string;
}

function parseAssignment(line: string): { readonly name: string; readonly value: string } | Rule {
  const [, name, written = ""] = ASSIGNMENT.exec(line) ?? [];
  if (name === undefined) return { rule: "be NAME=value, with a name of A-Z a-z 0-9 _" };
  const value = valueOf(written);
  return typeof value === "string" ? { name, value } : value;
}

/** The value, or what it must be. */
function valueOf(written: string): string | Rule {
  if (written.includes("\0")) return { rule: "have no NUL characters" };
  switch (written[0]) {
    case '"': {
      const quoted = DOUBLE_QUOTED.exec(written)?.[1];
      return quoted?.replace(ESCAPE, (_, letter: string) => ESCAPED[letter] ?? letter) ?? OPEN_QUOTE;
    }
    case "'":
      return SINGLE_QUOTED.exec(written)?.[1] ?? OPEN_QUOTE;
    default:
      return written.replace(COMMENT, "").trimEnd();
  }
}

const OPEN_QUOTE = { rule: "end with the quote that its value begins with, or a comment behind it" };
