/**
 * From a token that was presented to who presents it.
 *
 * @module
 */

import { equalText } from "../auth/crypto/constant_time.ts";
import { ALL_NAMESPACES, Caller } from "./caller.ts";
import { type TokenEntry, tokenHash } from "./token_file.ts";

interface KnownToken {
  readonly sha256: string;
  readonly expiresAt: number;
  readonly caller: Caller;
}

/** The name of whoever presents the token of the setting of that name. */
const OF_SETTING = "ADMIN_TOKEN";

/** Knows all tokens by their hashes. */
export class Callers {
  readonly #ofSetting: readonly KnownToken[];
  #ofFile: readonly KnownToken[] = [];
  readonly #now: () => number;

  /**
   * @param adminToken that of an admin; `undefined` for none
   * @param hasFile whether there are tokens of a file, now or later
   * @param now in milliseconds since 1970. @default Date.now
   */
  constructor(
    adminToken: string | undefined,
    private readonly hasFile: boolean,
    now: () => number = Date.now,
  ) {
    this.#now = now;
    this.#ofSetting = adminToken === undefined ? [] : [{
      sha256: tokenHash(adminToken),
      expiresAt: Infinity,
      caller: new Caller(OF_SETTING, "admin", [ALL_NAMESPACES]),
    }];
  }

  /** Whether no token can ever be right, so that the admin routes are closed. */
  get isClosed(): boolean {
    return this.#ofSetting.length === 0 && !this.hasFile;
  }

  /** Puts the tokens of a file in the place of those that were in it before. */
  setEntries(entries: readonly TokenEntry[]): void {
    this.#ofFile = entries.map(({ sha256, expiresAt, name, role, namespaces }) => ({
      sha256,
      expiresAt,
      caller: new Caller(name, role, namespaces),
    }));
  }

  /**
   * Who presents a token; `undefined` where nobody has it, or it has expired. The time says nothing about the token:
   * hashes are compared, and always with all of them.
   */
  find(token: string): Caller | undefined {
    const presented = tokenHash(token);
    let found: KnownToken | undefined;
    for (const known of [...this.#ofFile, ...this.#ofSetting]) {
      if (equalText(known.sha256, presented)) found = known;
    }
    return found !== undefined && this.#now() < found.expiresAt ? found.caller : undefined;
  }
}
