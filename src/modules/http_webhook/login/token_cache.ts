/**
 * Access tokens of all webhooks: those with the same settings share one, which is asked for by one request at a time and
 * used until shortly before its end, or until the destination refuses it.
 *
 * @module
 */

import { NewestEntries } from "../../../auth/newest_entries.ts";
import { DeliveryError } from "../../../errors.ts";
import type { HttpWebhookClient } from "../../../io/http_client.ts";
import { abortable } from "../../../time/abortable.ts";
import type { TokenClient } from "./token_client.ts";

/** Most clients whose tokens are remembered, and most characters of what is remembered of them together. */
const MAX_CLIENTS = 10_000;
const MAX_CHARACTERS = 16 * 1024 * 1024;

/** How long before its end a token is no longer used, in milliseconds; a fifth of its time where that is less. */
const MAX_EARLY_MS = 60_000;
const EARLY_SHARE = 0.2;

/** For how long no other token is asked for after one that was new has been refused as well, in milliseconds. */
const REST_MS = 30_000;

const UNAUTHORIZED = 401;

/** A token that is used. */
interface Token {
  /** As it stands in the header. */
  readonly authorization: string;
  /** Until when, by the clock of the cache. */
  readonly until: number;
}

/** What is known of a client. */
class ClientState {
  token: Token | undefined;
  /** What is being asked for; everybody waits for the same. */
  asking: Promise<Token> | undefined;
  /** Until when a refusal leads to no other token, by the clock of the cache. */
  restsUntil = 0;
}

/** Gives requests their tokens. */
export class TokenCache {
  readonly #clients = new NewestEntries<ClientState>(MAX_CLIENTS, MAX_CHARACTERS);
  readonly #now: () => number;

  /** @param now in milliseconds, of a clock that only goes forward. @default `performance.now()` */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Sends a request with a token, and once more with a new one where the answer is 401.
   *
   * @param http by which a token is asked for, where there is none
   * @param signal ends the wait for a token
   * @param send sends the request with this value of `Authorization`
   * @throws {DeliveryError} where there is no token
   * @throws what `send` throws
   */
  async send<Answer extends { readonly status: number }>(
    client: TokenClient,
    http: HttpWebhookClient,
    signal: AbortSignal,
    send: (authorization: string) => Promise<Answer>,
  ): Promise<Answer> {
    const state = this.#stateOf(client);
    const token = await this.#tokenOf(state, client, http, signal);
    const answer = await send(token.authorization);
    if (answer.status !== UNAUTHORIZED || !this.#mayRenew(state, token)) return answer;
    const renewed = await this.#tokenOf(state, client, http, signal);
    const second = await send(renewed.authorization);
    if (second.status === UNAUTHORIZED) state.restsUntil = this.#now() + REST_MS;
    return second;
  }

  #stateOf(client: TokenClient): ClientState {
    let state = this.#clients.get(client.key);
    if (state === undefined) {
      state = new ClientState();
      this.#clients.set(client.key, state, client.key.length);
    }
    return state;
  }

  async #tokenOf(
    state: ClientState,
    client: TokenClient,
    http: HttpWebhookClient,
    signal: AbortSignal,
  ): Promise<Token> {
    if (state.token !== undefined && this.#now() < state.token.until) return state.token;
    state.asking ??= this.#ask(state, client, http);
    try {
      return await abortable(state.asking, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new DeliveryError("output_timeout", `${client.name} did not answer in time`);
    }
  }

  /** Forgets a token that was refused. @returns whether another one may be better */
  #mayRenew(state: ClientState, refused: Token): boolean {
    if (state.token !== refused) return true; // Somebody else has renewed it meanwhile.
    if (this.#now() < state.restsUntil) return false;
    state.token = undefined;
    return true;
  }

  #ask(state: ClientState, client: TokenClient, http: HttpWebhookClient): Promise<Token> {
    const asking = client.ask(http).then(({ text, lifetimeSeconds }) => {
      const lifetimeMs = lifetimeSeconds * 1000;
      const earlyMs = Math.min(MAX_EARLY_MS, lifetimeMs * EARLY_SHARE);
      return state.token = {
        authorization: `Bearer ${text}`,
        until: this.#now() + lifetimeMs - earlyMs,
      };
    }).finally(() => state.asking = undefined);
    asking.catch(() => {}); // Whoever waits for it knows.
    return asking;
  }
}
