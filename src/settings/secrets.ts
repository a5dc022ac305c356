/**
 * The environment variables of where references to secrets are read, and the settings that they become.
 *
 * @module
 */

import { join } from "@std/path";
import { DOT_ENV_FILE } from "./dot_env.ts";
import { list, matching, text } from "./types.ts";
import { ifSet, optional, type ValuesOf } from "./variable.ts";
import { VAULT_VARIABLES } from "./vault.ts";

/** Where references to secrets are read, and what they never read. */
export interface SecretSettings {
  /** Holds the files of `{$file:…}`. */
  readonly directory?: string;
  /** Patterns of the paths that `{$vault:…}` may read; left out: all of them. */
  readonly vaultPaths?: readonly string[];
  /** Files and directories that hold secrets or events of the program itself. */
  readonly ownFiles: readonly string[];
}

const VAULT_PATTERN = /^(?:[\w.*-]|\{namespace\})+(?:\/(?:[\w.*-]|\{namespace\})+)*\/?$/;
const VAULT_PATTERN_RULE = "have characters of a-z A-Z 0-9 _ . - * and {namespace} between single slashes";

/** The variables, in the order of the documentation. */
export const SECRET_SOURCE_VARIABLES = {
  SECRETS_DIR: optional(
    text("path"),
    "Directory of the files that `{$file:NAME}` reads; without it there are none.",
  ),
  ...VAULT_VARIABLES,
  VAULT_PATHS: optional(
    list(matching("path pattern", (value) => VAULT_PATTERN.test(value), VAULT_PATTERN_RULE)),
    "What `{$vault:…}` may read: these paths and all below them. `*` stands for any characters between two " +
      "slashes, `{namespace}` for the webhook's namespace.",
    "(all paths)",
  ),
} as const;

type Values = ValuesOf<typeof SECRET_SOURCE_VARIABLES>;

/**
 * The settings.
 *
 * @param ownFiles what the other settings name
 */
export function secretSettings(values: Values, ownFiles: readonly (string | undefined)[]): SecretSettings {
  return {
    ...ifSet("directory", values.SECRETS_DIR),
    ...ifSet("vaultPaths", values.VAULT_PATHS?.map((pattern) => pattern.replace(/\/$/, ""))),
    ownFiles: [
      ...new Set([
        ...ownFiles,
        values.VAULT_TOKEN_FILE,
        values.VAULT_SECRET_ID_FILE,
        values.VAULT_JWT_FILE,
        DOT_ENV_FILE,
      ]),
    ].filter((path) => path !== undefined).sort(),
  };
}

/**
 * The directory of the journal's own within the data directory. Configuration files often stand beside it, and
 * every write there would wake whoever watches them: with 30,000 events a second, that took a fifth of the
 * gateway's throughput.
 */
export function journalDirectory(dataDir: string): string {
  return join(dataDir, "journal");
}
