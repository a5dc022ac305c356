/**
 * A statement and the name that the server keeps it under.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A statement that is sent again and again. Its values are sent apart from it. */
export interface Statement {
  readonly text: string;
  /** Under which the server keeps it, prepared; left out: it is prepared each time. */
  readonly name?: string;
}

/**
 * A statement that the server prepares once for each connection.
 *
 * The name is of the text: behind a pooler that lends a server's connection to several clients, the same name for
 * another text, as of another version of the program, would run that one.
 *
 * @param text with `$1` for its first value; one statement
 */
export function prepared(text: string): Statement {
  return { text, name: `cwm_${createHash("sha256").update(text).digest("hex").slice(0, 24)}` };
}
