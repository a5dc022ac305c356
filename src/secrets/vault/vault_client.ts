/**
 * Questions to a Vault cluster: which member is asked, how long, and how often.
 *
 * @module
 */

import { parseRetryAfter } from "../../io/retry_after.ts";
import type { VaultSettings } from "../../settings/vault.ts";
import { bodyOf, cannotBeAsked, errorsOf } from "./answer.ts";
import type { Clock } from "./clock.ts";
import { VaultFailure } from "./failure.ts";
import { type HttpAnswer, HttpExchange, NoAnswer } from "./http_exchange.ts";
import { KnownSecrets } from "./known_secrets.ts";
import { backoffBoundMs } from "../../time/backoff.ts";

/** How often a question is sent at most, unless the cluster has more members. */
const ATTEMPTS = 3;

/** Shortest time that one attempt may take, in milliseconds, unless the question has less. */
const SHORTEST_ATTEMPT_MS = 1000;

/** Most redirects that are followed from member to member. */
const MAX_REDIRECTS = 2;

/** Pauses after rate limits: Vault says `Retry-After: 0`. */
const PAUSES = { initialMs: 1000, maxMs: 60_000 };

/** One question. */
export interface Question {
  readonly method: "GET" | "POST";
  /** Below `/v1/`. */
  readonly path: string;
  /** Left out for paths that need none, and where an agent adds its own. */
  readonly token?: string | undefined;
  /** Whether the namespace goes with it, as a header. Paths of `sys/` have it in the path instead. */
  readonly inNamespace?: boolean;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Whether it may be sent again when nobody knows whether it arrived. @default true */
  readonly repeatable?: boolean;
}

/** What a client is made with. */
export type VaultClientOptions =
  & Pick<VaultSettings, "addresses" | "namespace" | "timeoutMs" | "tls">
  & {
    readonly clock: Clock;
    /** A number from 0 up to 1, for jitter. @default Math.random */
    readonly random?: () => number;
  };

/** Asks one cluster. Holds nothing that would have to be closed. */
export class VaultClient {
  /** What must never be shown. */
  readonly secrets = new KnownSecrets();
  readonly #options: VaultClientOptions;
  readonly #exchange: HttpExchange;
  readonly #random: () => number;
  /** The member that answered last. */
  #current = 0;
  /** When the next question may be sent, after a rate limit. */
  #pausedUntil = 0;
  #limitedAt = -Infinity;
  #limitedInARow = 0;

  constructor(options: VaultClientOptions) {
    this.#options = options;
    this.#exchange = new HttpExchange(options.tls);
    this.#random = options.random ?? Math.random;
  }

  /** The path of a `sys/` endpoint within the namespace. These do not all take the header. */
  systemPath(path: string): string {
    const { namespace } = this.#options;
    return namespace === undefined ? `sys/${path}` : `${namespace}/sys/${path}`;
  }

  /**
   * Asks until a member of the cluster answers, or the time is up.
   *
   * @throws {VaultFailure} when none answers
   * @throws the signal's reason, when it aborts first
   */
  async ask(question: Question, signal: AbortSignal): Promise<HttpAnswer> {
    const { addresses, timeoutMs, clock } = this.#options;
    const end = clock.now() + timeoutMs;
    const first = this.#current;
    for (let attempt = 1, asked = 0;; attempt++) {
      await this.#pause(end, signal);
      const member = (first + asked) % addresses.length;
      const sentAt = clock.now();
      const outcome = await this.#tryOnce(addresses[member]!, question, end - sentAt, signal);
      signal.throwIfAborted();
      if (outcome instanceof NoAnswer) {
        if (outcome.sent && question.repeatable === false) throw outcome;
        const isWorthIt = outcome.sent && attempt < ATTEMPTS && clock.now() < end;
        if (++asked >= addresses.length && !isWorthIt) throw outcome;
      } else if (outcome.status === 429) {
        this.#slowDown(outcome, sentAt);
        if (this.#pausedUntil >= end) return outcome;
      } else {
        this.#limitedInARow = 0;
        const isAnswer = !cannotBeAsked(outcome);
        if (isAnswer) this.#current = member;
        if (isAnswer || ++asked >= addresses.length) return outcome;
      }
    }
  }

  /** A failure with Vault's own words. */
  failure(state: VaultFailure["state"], what: string, answer: HttpAnswer): VaultFailure {
    return new VaultFailure(state, `${what}: ${this.describe(answer)}`);
  }

  /** `Vault at vault.example:8200 answered 503: Vault is sealed`. */
  describe(answer: HttpAnswer): string {
    const { host } = new URL(answer.origin);
    if (answer.location !== undefined && answer.status >= 300 && answer.status < 400) {
      const target = URL.parse(answer.location, answer.origin)?.origin ?? "an address that cannot be read";
      return `Vault at ${host} redirects to ${target}, which is followed only if VAULT_ADDR names it, too`;
    }
    const errors = errorsOf(answer);
    const words = errors === undefined
      ? bodyOf(answer) === undefined ? "something that is not of Vault" : ""
      : this.secrets.clean(errors.join("; "));
    return `Vault at ${host} answered ${answer.status}${words === "" ? "" : `: ${words}`}`;
  }

  async #tryOnce(
    address: string,
    question: Question,
    leftMs: number,
    signal: AbortSignal,
  ): Promise<HttpAnswer | NoAnswer> {
    const share = Math.max(this.#options.timeoutMs / ATTEMPTS, SHORTEST_ATTEMPT_MS);
    const limit = AbortSignal.timeout(
      Math.max(0, question.repeatable === false ? leftMs : Math.min(share, leftMs)),
    );
    try {
      return await this.#follow(
        new URL(`${address}/v1/${question.path}`),
        question,
        AbortSignal.any([signal, limit]),
      );
    } catch (error) {
      if (error instanceof NoAnswer) return error;
      throw error;
    }
  }

  async #follow(first: URL, question: Question, signal: AbortSignal): Promise<HttpAnswer> {
    const request = {
      method: question.method,
      headers: this.#headers(question),
      ...(question.body === undefined ? {} : { body: JSON.stringify(question.body) }),
    };
    let url = first;
    for (let redirects = 0;; redirects++) {
      const answer = await this.#exchange.send(url, request, signal);
      const next = redirects < MAX_REDIRECTS ? this.#redirectOf(answer, url, question) : undefined;
      if (next === undefined) return answer;
      url = next;
    }
  }

  /** Where an answer sends to, if that is an address of the settings: the token goes nowhere else. */
  #redirectOf({ status, location }: HttpAnswer, from: URL, { method }: Question): URL | undefined {
    const keepsMethod = status === 307 || status === 308;
    const isRedirect = keepsMethod || (method === "GET" && status >= 301 && status <= 303);
    if (!isRedirect || location === undefined) return undefined;
    const target = URL.parse(location, from);
    if (target === null || target.username !== "" || target.password !== "") return undefined;
    const isKnown = this.#options.addresses.some((address) => new URL(address).origin === target.origin);
    return isKnown ? target : undefined;
  }

  #headers({ token, inNamespace }: Question): Record<string, string> {
    const { namespace } = this.#options;
    return {
      accept: "application/json",
      "user-agent": "core-webhook-module",
      // Agents may be set to refuse requests without it, as a guard against forged ones.
      "x-vault-request": "true",
      ...(token === undefined ? {} : { "x-vault-token": token }),
      ...(inNamespace === true && namespace !== undefined ? { "x-vault-namespace": namespace } : {}),
    };
  }

  /** Requests that were under way together and are all limited are one reason to wait, not several. */
  #slowDown({ retryAfter }: HttpAnswer, sentAt: number): void {
    if (sentAt <= this.#limitedAt) return;
    this.#limitedAt = this.#options.clock.now();
    const asked = (parseRetryAfter(retryAfter, Date.now()) ?? 0) * 1000;
    const own = backoffBoundMs(PAUSES, ++this.#limitedInARow);
    const pause = Math.max(Math.min(asked, PAUSES.maxMs), own) * (1 + this.#random());
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#options.clock.now() + pause);
  }

  /** Waits out the pause after a rate limit, which is all questions' together. */
  async #pause(end: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const pause = this.#pausedUntil - clock.now();
    if (pause <= 0) return;
    if (this.#pausedUntil >= end) {
      throw new VaultFailure("unavailable", "Vault limits the rate of requests: waiting before the next one");
    }
    await clock.wait(pause, signal);
  }
}
