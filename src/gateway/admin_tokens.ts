/**
 * The tokens of `ADMIN_TOKENS_FILE`, taken up again whenever the file has changed.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { Audit } from "../access/audit_trail.ts";
import type { Callers } from "../access/callers.ts";
import { readTokenFile, type TokenEntry, TokenFileError } from "../access/token_file.ts";
import { FollowedFiles } from "../config/file/watch/followed_files.ts";
import type { ProblemReason } from "../config/problem.ts";
import { StartupError } from "../errors.ts";

/** The setting that names the file, under which a problem of it is listed. */
const SETTING = "ADMIN_TOKENS_FILE";

/** What the tokens are kept up to date for. */
export interface AdminTokensOptions {
  readonly path: string;
  readonly callers: Pick<Callers, "setEntries">;
  /** Takes what is wrong with the file, or that nothing is any more. */
  readonly report: (source: string, problem: ProblemReason | undefined) => void;
  readonly logger: Logger;
  readonly audit: Audit;
}

/**
 * Reads the tokens for the start.
 *
 * @throws {StartupError} `settings_invalid` when they cannot be used
 */
export async function readFirstTokens(path: string): Promise<readonly TokenEntry[]> {
  try {
    return await readTokenFile(path);
  } catch (error) {
    if (!(error instanceof TokenFileError)) throw error;
    throw new StartupError("settings_invalid", [`${SETTING}: ${error.message}`], { cause: error });
  }
}

/** Where a problem of the file is listed, and what is wrong with it now, for who serves nothing. */
export async function problemOfTokens(
  path: string,
): Promise<[source: string, problem: ProblemReason | undefined]> {
  try {
    await readTokenFile(path);
    return [SETTING, undefined];
  } catch (error) {
    if (!(error instanceof TokenFileError)) throw error;
    return [SETTING, problemOf(error)];
  }
}

/** Follows the file until it is disposed of. One that cannot be used leaves the tokens as they were. */
export class AdminTokens implements AsyncDisposable {
  readonly #options: AdminTokensOptions;
  readonly #file: FollowedFiles;
  #entries: readonly TokenEntry[];

  /** @param entries those that are known already */
  constructor(options: AdminTokensOptions, entries: readonly TokenEntry[]) {
    this.#options = options;
    this.#entries = entries;
    options.callers.setEntries(entries);
    this.#record(entries);
    this.#file = new FollowedFiles([options.path], (signal) => this.#look(signal), options.logger);
  }

  /** Has the file read again soon. */
  lookNow(): void {
    this.#file.lookNow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { report, logger } = this.#options;
    const problem = await this.#takeUp(signal);
    if (signal.aborted) return;
    if (problem !== undefined) {
      logger.debug("The file of admin tokens is not taken: {reason}", { reason: problem.message });
    }
    report(SETTING, problem);
  }

  /** Returns what is wrong with the file. */
  async #takeUp(signal: AbortSignal): Promise<ProblemReason | undefined> {
    const { path, callers, logger } = this.#options;
    try {
      const entries = await readTokenFile(path, signal);
      if (JSON.stringify(entries) === JSON.stringify(this.#entries)) return undefined;
      callers.setEntries(entries);
      this.#record(entries, this.#entries);
      this.#entries = entries;
      return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof TokenFileError) return problemOf(error);
      logger.error("Reading the file of admin tokens failed", { error });
      return problemOf(new TokenFileError("The file cannot be read: see the log"));
    }
  }

  /** Who may ask from now on, by name. */
  #record(entries: readonly TokenEntry[], former: readonly TokenEntry[] = []): void {
    const before = new Map(former.map((entry) => [entry.name, JSON.stringify(entry)]));
    const namesOf = (isMeant: (known: string | undefined, entry: TokenEntry) => boolean) =>
      entries.filter((entry) => isMeant(before.get(entry.name), entry)).map(({ name }) => name);
    this.#options.audit.info("Admin tokens are read: {count}", {
      action: "admin_tokens",
      count: entries.length,
      added: namesOf((known) => known === undefined),
      changed: namesOf((known, entry) => known !== undefined && known !== JSON.stringify(entry)),
      removed: [...before.keys()].filter((name) => entries.every((entry) => entry.name !== name)),
    });
  }
}

function problemOf({ message }: TokenFileError): ProblemReason {
  return {
    code: "admin_tokens_invalid",
    path: "",
    message: `${message}. The tokens that were read last stay good`,
  };
}
