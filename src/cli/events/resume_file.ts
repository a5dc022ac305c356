/**
 * The file in which a replay keeps how far it is.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";

/** What a replay was asked for, and how far it is. */
export interface ReplayState {
  /** The query with times in the place of ages. */
  readonly query: string;
  /** What was asked for on the command line; another replay must not go on here. */
  readonly asked: string;
  /** Behind what is done; `undefined` while nothing is. */
  readonly cursor: string | undefined;
  /** Whether everything is done. */
  readonly isDone: boolean;
  readonly replayed: number;
}

/** Marks the file, so that no other file is overwritten. */
const KIND = "cwm events replay";

/**
 * Reads the state.
 *
 * @returns `undefined` where there is no file
 * @throws {StartupError} `usage` when the file holds something else
 */
export function readState(path: string): ReplayState | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unusable(path, error);
  }
  try {
    const state = JSON.parse(text) as ReplayState & { readonly kind: string };
    if (state.kind === KIND) return state;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new StartupError("usage", [`${path} is not the file of a replay: name another one`]);
}

/** Writes the state in the place of the one before. @throws {StartupError} `file_not_written` */
export function writeState(path: string, state: ReplayState): void {
  const next = `${path}.new`;
  try {
    Deno.writeTextFileSync(next, JSON.stringify({ kind: KIND, ...state }) + "\n");
    Deno.renameSync(next, path);
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): StartupError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StartupError("file_not_written", [`${path} cannot be used: ${reason}`], { cause });
}
