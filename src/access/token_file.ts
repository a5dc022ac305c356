/**
 * The file of admin tokens: what is in it, and what can be wrong with it.
 *
 * @module
 */

import { hash } from "node:crypto";
import { z } from "zod";
import { isNamespacePattern, NAMESPACE_PATTERN_RULE } from "../schema/namespace_patterns.ts";
import { readSmallFile, unreadableReason } from "../io/small_file.ts";
import { ALL_NAMESPACES, type Role, ROLES } from "./caller.ts";

/** Entries that a file may have: each is compared with at each request to an admin route. */
const MAX_ENTRIES = 1_000;

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.@-]{0,63}$/;
const SHA256 = /^[0-9a-fA-F]{64}$/;

/** Of a text that is empty, which is what a command prints whose variable is not set. */
const OF_NOTHING = tokenHash("");

/** One token, without the token. */
export interface TokenEntry {
  /** SHA-256 of the token, as 64 hexadecimal digits in lower case. */
  readonly sha256: string;
  readonly name: string;
  readonly role: Role;
  /** Patterns. */
  readonly namespaces: readonly string[];
  /** From when on it is refused, in milliseconds since 1970; `Infinity` for never. */
  readonly expiresAt: number;
}

/** A file of tokens that cannot be used. The message says why and what to do, and holds no part of the file's secrets. */
export class TokenFileError extends Error {
  override readonly name = "TokenFileError";
}

const entrySchema = z.strictObject({
  sha256: z.string().regex(SHA256, "must be the SHA-256 of the token, as 64 hexadecimal digits")
    .toLowerCase()
    .refine((text) => text !== OF_NOTHING, "is that of an empty text: was there a token?"),
  name: z.string().regex(
    NAME,
    "must have 1 to 64 characters of a-z A-Z 0-9 _ . @ - and begin with a letter or digit",
  ),
  role: z.enum(ROLES, `must be ${ROLES.map((role) => `'${role}'`).join(", ")}`),
  namespaces: z.array(z.string().refine(isNamespacePattern, `is no pattern. ${NAMESPACE_PATTERN_RULE}`))
    .min(1, "must name at least one pattern").optional(),
  expires: z.iso.datetime({ offset: true, error: "must be a time such as 2027-01-31T12:00:00Z" }).optional(),
}).superRefine(({ role, namespaces }, context) => {
  const isForAll = namespaces?.includes(ALL_NAMESPACES) === true;
  if (role === "admin" && namespaces !== undefined && !isForAll) {
    context.addIssue({
      code: "custom",
      path: ["namespaces"],
      message: "must be left out, or be ['*'], of an admin, which is one of all namespaces: use 'operator'",
    });
  }
  if (role !== "admin" && namespaces === undefined) {
    context.addIssue({ code: "custom", path: ["namespaces"], message: "is required, such as ['team-a']" });
  }
});

const fileSchema = z.array(entrySchema, "must be a list of entries: 'cwm token' prints one")
  .max(MAX_ENTRIES, `must have at most ${MAX_ENTRIES} entries`);

/** What tokens are kept and compared as. */
export function tokenHash(token: string): string {
  return hash("sha256", token, "hex");
}

/**
 * Reads the file.
 *
 * @param signal ends the wait for a file that does not answer
 * @throws {TokenFileError}
 */
export async function readTokenFile(path: string, signal?: AbortSignal): Promise<readonly TokenEntry[]> {
  let text: string;
  try {
    text = await readSmallFile(path, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TokenFileError(
      `Cannot read the file: ${unreadableReason(cause)}. It is a list of what 'cwm token' prints`,
      { cause },
    );
  }
  return parseTokenFile(text);
}

/**
 * Reads the text of a file.
 *
 * @throws {TokenFileError}
 */
export function parseTokenFile(text: string): readonly TokenEntry[] {
  const parsed = fileSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    const [issue, ...others] = parsed.error.issues;
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    throw new TokenFileError(`${describe(issue)}${more}`);
  }
  const entries = parsed.data.map(({ namespaces = [ALL_NAMESPACES], expires, ...entry }): TokenEntry => ({
    ...entry,
    namespaces,
    expiresAt: expires === undefined ? Infinity : Date.parse(expires),
  }));
  for (const key of ["name", "sha256"] as const) {
    const place = entries.findIndex((entry, index) =>
      entries.findIndex((other) => other[key] === entry[key]) < index
    );
    if (place !== -1) throw new TokenFileError(`Entry ${place}: its '${key}' is that of another entry`);
  }
  return entries;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new TokenFileError("The file is not valid JSON", { cause });
  }
}

/** Issues name keys and rules. What stands in the file is not repeated: somebody may have written a token there. */
function describe(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return "The file is not valid";
  const [index, ...path] = issue.path;
  if (issue.code === "unrecognized_keys") {
    return `Entry ${String(index)}: it may have sha256, name, role, namespaces and expires only`;
  }
  if (index === undefined) return `The file ${issue.message}`;
  if (path.length === 0) return `Entry ${String(index)} must be an object: 'cwm token' prints one`;
  const isMissing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return `Entry ${String(index)}: '${path.join(".")}' ${isMissing ? "is required" : issue.message}`;
}
