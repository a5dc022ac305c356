/**
 * Sessions of the console: a browser shows its admin token once, and a cookie from then on, which no page can read.
 *
 * @module
 */

import { tokenHash } from "./token_file.ts";

/** How long a session lasts, in milliseconds. */
export const SESSION_MS = 8 * 60 * 60_000;

/** Sessions at once. Beyond it the oldest one ends. */
const MOST_SESSIONS = 1_000;

/** Random bytes of a session's id. */
const ID_BYTES = 32;

interface Session {
  /** It is asked about at each request, so that a session ends with its token. */
  readonly token: string;
  /** In milliseconds since 1970. */
  readonly endsAt: number;
}

/** Knows sessions by the hashes of their ids. A restart ends all of them. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #now: () => number;

  /** @param now in milliseconds since 1970. @default Date.now */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Begins a session of whoever presents a token. @returns its id, which is as secret as the token */
  open(token: string): string {
    if (this.#sessions.size >= MOST_SESSIONS) this.#endFirst();
    const id = crypto.getRandomValues(new Uint8Array(ID_BYTES)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
    this.#sessions.set(tokenHash(id), { token, endsAt: this.#now() + SESSION_MS });
    return id;
  }

  /** The token of a session; `undefined` once it has ended. */
  tokenOf(id: string): string | undefined {
    const session = this.#sessions.get(tokenHash(id));
    if (session === undefined) return undefined;
    if (session.endsAt > this.#now()) return session.token;
    this.end(id);
    return undefined;
  }

  /** When a session ends, in milliseconds since 1970; `undefined` once it has. */
  endOf(id: string): number | undefined {
    return this.#sessions.get(tokenHash(id))?.endsAt;
  }

  /** Ends a session, if there is one. */
  end(id: string): void {
    this.#sessions.delete(tokenHash(id));
  }

  #endFirst(): void {
    for (const hash of this.#sessions.keys()) {
      this.#sessions.delete(hash);
      return;
    }
  }
}
