/**
 * `cwm token`: makes an admin token, and its entry for `ADMIN_TOKENS_FILE`.
 *
 * @module
 */

import { ALL_NAMESPACES, type Role, ROLES } from "../../access/caller.ts";
import { parseTokenFile, TokenFileError, tokenHash } from "../../access/token_file.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";

/** Random bytes of a token. */
const TOKEN_BYTES = 32;

/** What tokens begin with, so that tools that look for secrets in files can know them. */
const PREFIX = "cwm_";

const DAY_MS = 86_400_000;

const HELP = `Makes a token for the admin routes, and prints it with its entry for ADMIN_TOKENS_FILE

Usage: cwm token --name NAME --role ROLE [--namespaces PATTERN]... [--days NUMBER]

  --name NAME           Names the token in the audit: whose it is, or what for
  --role ROLE           viewer reads, operator acts as well, admin does everything in all namespaces
  --namespaces PATTERN  Of which namespaces, such as team-a or 'team-*'; may be repeated, or hold several with commas
  --days NUMBER         After how many days it is refused; without it, never

The first line is the token, which is kept nowhere: hand it to whoever is to have it. The second one is the entry,
which holds its hash alone: add it to the list in the file, such as [ENTRY, ENTRY].

Options:
  -h, --help    Print this help

Exit status: 0 done; 2 wrong usage`;

/**
 * Runs the command. Returns the exit status.
 *
 * @param args what follows `token` on the command line
 * @throws {StartupError} `usage`
 */
export function token(args: readonly string[]): number {
  const line = readCommandLine("token", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const { name, role, namespaces, days } = line.options;
  if (name === undefined || role === undefined) throw usage("Give --name and --role");
  const made = PREFIX + crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  const patterns = [namespaces ?? []].flat().flatMap((text) => String(text).split(",")).map((text) =>
    text.trim()
  );
  const entry = {
    name: String(name),
    role: roleIn(String(role)),
    ...(patterns.length > 0
      ? { namespaces: patterns }
      : role === "admin"
      ? { namespaces: [ALL_NAMESPACES] }
      : {}),
    ...(days === undefined
      ? {}
      : { expires: new Date(Date.now() + daysIn(String(days)) * DAY_MS).toISOString() }),
    sha256: tokenHash(made),
  };
  requireValid(entry);
  print(made);
  print(JSON.stringify(entry));
  return 0;
}

function roleIn(text: string): Role {
  const role = ROLES.find((each) => each === text);
  if (role === undefined) throw usage(`--role must be ${ROLES.join(", ")}`);
  return role;
}

function daysIn(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw usage("--days takes a whole number from 1 to 99999");
  return Number(text);
}

/** The same rules as the file's. */
function requireValid(entry: unknown): void {
  try {
    parseTokenFile(JSON.stringify([entry]));
  } catch (error) {
    if (!(error instanceof TokenFileError)) throw error;
    throw usage(error.message.replace(/^Entry 0: /, ""));
  }
}

function usage(problem: string): Error {
  return usageError("token", problem);
}
