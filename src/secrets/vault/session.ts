/**
 * The gateway's token: made when the first read needs it, kept alive, and replaced when Vault refuses it.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { Clock } from "./clock.ts";
import { LoginRefused, VaultFailure } from "./failure.ts";
import { NoAnswer } from "./http_exchange.ts";
import type { LoginMethod, VaultToken } from "./login.ts";
import { keepAlive } from "./token_life.ts";
import type { VaultClient } from "./vault_client.ts";
import { backoffBoundMs } from "../../time/backoff.ts";
import { abortable } from "../../time/abortable.ts";

/** Times between two logins, of all reads together. */
const LOGIN_INTERVALS = { initialMs: 10_000, maxMs: 320_000 };

/** How long a credential that Vault refused is not sent again, unless it changes, in milliseconds. */
const REFUSED_MS = 5 * 60_000;

interface Current {
  readonly token: VaultToken;
  readonly credential: string;
  /** Aborts when the token is replaced. */
  readonly ended: AbortController;
}

interface RefusedCredential {
  readonly credential: string;
  readonly until: number;
  readonly failure: VaultFailure;
}

/** When the token ends. */
export interface TokenExpiry {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** It will not be renewed or replaced: somebody has to give another one. */
  readonly isFinal: boolean;
  /** From when on it is a problem that there is no other one yet. */
  readonly problemFrom: number;
}

/** How long before its end a token that cannot be replaced is a problem, in milliseconds. */
const ENDING_MS = 24 * 60 * 60 * 1000;

/** Whoever keeps a file up to date replaces the token in it before this part of its life is left. */
const ENDING_PART = 0.1;

/** Whether the operator should give another token now. */
export function isEnding(expiry: TokenExpiry | undefined, now: number): expiry is TokenExpiry {
  return expiry !== undefined && expiry.isFinal && now >= expiry.problemFrom;
}

/** What a session is made with. */
export interface VaultSessionOptions {
  readonly client: VaultClient;
  readonly method: LoginMethod;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Holds one token. Disposal ends its renewal. */
export class VaultSession implements AsyncDisposable {
  readonly #options: VaultSessionOptions;
  readonly #stopping = new AbortController();
  readonly #keepers = new Set<Promise<void>>();
  #current: Current | undefined;
  #expiry: TokenExpiry | undefined;
  #login: Promise<VaultToken> | undefined;
  #nextLoginAt = -Infinity;
  #refused: RefusedCredential | undefined;
  #lastFailure: VaultFailure | undefined;
  #warnedOfEnd = false;
  /** Logins in a row whose tokens were refused as well. */
  #futileLogins = 0;

  constructor(options: VaultSessionOptions) {
    this.#options = options;
  }

  /** When the token ends; `undefined` while there is none, or it never ends, or nobody can say. */
  get expiry(): TokenExpiry | undefined {
    return this.#expiry;
  }

  /**
   * The token to send. A file that holds it is looked at first, since whoever writes it replaces the token before
   * the old one ends.
   *
   * @throws {VaultFailure} when there is none and none can be had now
   * @throws the signal's reason, when it aborts first
   */
  async token(signal: AbortSignal): Promise<VaultToken> {
    const current = this.#current;
    if (current !== undefined && !await this.#hasOtherCredential(current)) return current.token;
    signal.throwIfAborted();
    return await abortable(this.#logInOnce(), signal);
  }

  /**
   * Another token, since Vault refuses this one.
   *
   * @throws {VaultFailure} when none can be had now
   * @throws the signal's reason, when it aborts first
   */
  async replacement(refused: VaultToken, signal: AbortSignal): Promise<VaultToken> {
    const current = this.#current;
    if (current?.token === refused) {
      this.#drop(current);
      this.#futileLogins++;
      this.#lastFailure = this.#wrongToken();
      if (!this.#options.method.makesTokens) {
        this.#refuse(current.credential, this.#loginInterval(), this.#lastFailure);
      }
    }
    return await this.token(signal);
  }

  /** Vault took the token. */
  accepted(): void {
    this.#futileLogins = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    if (this.#current !== undefined) this.#drop(this.#current);
    await Promise.allSettled([this.#login, ...this.#keepers]);
  }

  async #hasOtherCredential({ credential }: Current): Promise<boolean> {
    if (this.#options.method.makesTokens) return false;
    try {
      return await this.#options.method.credential(this.#stopping.signal) !== credential;
    } catch (error) {
      // The file is gone or half-written: the token that came from it is still good.
      if (error instanceof VaultFailure) return false;
      throw error;
    }
  }

  #logInOnce(): Promise<VaultToken> {
    return this.#login ??= this.#logIn().finally(() => this.#login = undefined);
  }

  async #logIn(): Promise<VaultToken> {
    const { method, clock, logger } = this.#options;
    const signal = this.#stopping.signal;
    const credential = await method.credential(signal);
    const now = clock.now();
    const refused = this.#refused;
    if (refused?.credential === credential && now < refused.until) throw refused.failure;
    if (method.makesTokens && now < this.#nextLoginAt) {
      const seconds = Math.ceil((this.#nextLoginAt - now) / 1000);
      const reason = this.#lastFailure?.message ?? "There was a login just now";
      throw new VaultFailure("unavailable", `${reason}; the next login is in ${seconds} s`);
    }
    this.#nextLoginAt = now + this.#loginInterval();
    try {
      const token = await method.exchange(credential, signal);
      signal.throwIfAborted();
      this.#adopt(token, credential);
      logger.info("Logged in to Vault by {method}", { method: method.name });
      return token;
    } catch (error) {
      if (error instanceof LoginRefused) this.#refuse(credential, REFUSED_MS, error);
      if (error instanceof NoAnswer && !error.sent) this.#nextLoginAt = now;
      if (error instanceof VaultFailure) this.#lastFailure = error;
      throw error;
    }
  }

  /** Longer each time that the token of a login was refused as well. */
  #loginInterval(): number {
    return backoffBoundMs(LOGIN_INTERVALS, Math.max(1, this.#futileLogins));
  }

  #adopt(token: VaultToken, credential: string): void {
    if (this.#current !== undefined) this.#drop(this.#current);
    const current = { token, credential, ended: new AbortController() };
    this.#options.client.secrets.add(token.value);
    this.#current = current;
    this.#refused = undefined;
    this.#warnedOfEnd = false;
    if (token.expiresAt === Infinity) return;
    const keeper = this.#keep(current);
    this.#keepers.add(keeper);
    keeper.finally(() => this.#keepers.delete(keeper));
  }

  async #keep(current: Current): Promise<void> {
    const { client, clock, method, logger } = this.#options;
    const { token, ended } = current;
    const events = {
      replace: async () => {
        if (clock.now() < this.#nextLoginAt) await clock.wait(this.#nextLoginAt - clock.now(), ended.signal);
        await this.#logInOnce();
      },
      onExpiry: (at: number, isFinal: boolean) => {
        if (this.#current !== current) return;
        const lead = method.isKeptByOthers ? Math.min(ENDING_MS, token.leaseMs * ENDING_PART) : ENDING_MS;
        this.#expiry = { at, isFinal, problemFrom: at - lead };
        this.#warnOfEnd();
      },
    };
    try {
      await keepAlive(token, method.makesTokens, { client, clock, events }, ended.signal);
    } catch (error) {
      if (!ended.signal.aborted) logger.error("Keeping the token of Vault alive failed", { error });
    }
  }

  #warnOfEnd(): void {
    const { clock, logger, method } = this.#options;
    if (this.#warnedOfEnd || !isEnding(this.#expiry, clock.now())) return;
    this.#warnedOfEnd = true;
    logger.warning("The token of {method} ends at {endsAt} and cannot be renewed: give another one", {
      method: method.name,
      endsAt: new Date(this.#expiry.at).toISOString(),
    });
  }

  #drop(current: Current): void {
    current.ended.abort();
    this.#current = undefined;
    this.#expiry = undefined;
  }

  #refuse(credential: string, milliseconds: number, failure: VaultFailure): void {
    this.#refused = { credential, until: this.#options.clock.now() + milliseconds, failure };
  }

  #wrongToken(): VaultFailure {
    const reason =
      `Vault refuses the token of ${this.#options.method.name}: it is wrong, expired, revoked or spent, ` +
      "or not for this network";
    return new VaultFailure("unavailable", reason);
  }
}
