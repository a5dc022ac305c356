/**
 * The new text of a webhook or connection: a file, standard input, or some places of what stands there.
 *
 * @module
 */

import { EditError, removeAt, setAt } from "../../migrate/single/json_edit.ts";
import { describeJsonError } from "../../json/error.ts";
import { usageError } from "../command_line.ts";
import { readInput } from "../check/standard_input.ts";

/** Longest text that is read, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** What the command line says of the new text. */
export interface Input {
  /** `-` for standard input. */
  readonly file: string | undefined;
  /** `path=value` */
  readonly set: readonly string[];
  /** Paths that go. */
  readonly unset: readonly string[];
}

/**
 * The new text.
 *
 * @param current what stands there
 * @throws {StartupError} `usage` when it cannot be read, or an edit cannot be made
 */
export async function newText(
  command: string,
  { file, set, unset }: Input,
  current: string | undefined,
): Promise<string> {
  const edits = set.length + unset.length;
  let text: string;
  if (file !== undefined || edits === 0) text = await readGiven(command, file);
  else text = current ?? "{}";
  if (edits === 0) return text;
  requireJson(command, text);
  try {
    for (const edit of set) {
      const equals = edit.indexOf("=");
      if (equals < 1) throw usageError(command, "--set takes PATH=VALUE, such as retry.max_attempts=5");
      text = setAt(text, pathOf(edit.slice(0, equals)), jsonOf(edit.slice(equals + 1)));
    }
    for (const path of unset) text = removeAt(text, pathOf(path));
  } catch (error) {
    if (!(error instanceof EditError)) throw error;
    throw usageError(command, error.message);
  }
  return text;
}

/** The text of a file or of standard input, without white space around it and a byte order mark. */
export async function readGiven(command: string, file: string | undefined): Promise<string> {
  if (file === undefined && Deno.stdin.isTerminal()) {
    throw usageError(command, "Name a file with JSON, '-' for standard input, or --set PATH=VALUE");
  }
  try {
    const bytes = file === undefined || file === "-" ? await readInput(MAX_BYTES) : await Deno.readFile(file);
    if (bytes.length > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
  } catch (error) {
    const name = file === undefined || file === "-" ? "Standard input" : file;
    throw usageError(command, `${name} cannot be read: ${(error as Error).message}`);
  }
}

function requireJson(command: string, text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw usageError(command, describeJsonError(text, "The value that --set would change"));
  }
}

/** Names with dots between them; a dot within a name has a backslash before it. */
function pathOf(path: string): string[] {
  return path.split(/(?<!\\)\./).map((name) => name.replaceAll("\\.", "."));
}

/** What is no JSON is a text. */
function jsonOf(value: string): string {
  try {
    JSON.parse(value);
    return value;
  } catch {
    return JSON.stringify(value);
  }
}
