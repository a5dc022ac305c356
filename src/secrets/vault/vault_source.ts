/**
 * `{$vault:path#field}`: secrets of the KV engine of HashiCorp Vault or OpenBao. How the servers answer was
 * measured with Vault 1.21 and OpenBao 2.6; the comments name what is different from what one would expect.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { VaultSettings } from "../../settings/vault.ts";
import type { SecretAnswer, SecretSource } from "../source.ts";
import { type Clock, systemClock } from "./clock.ts";
import { VaultFailure } from "./failure.ts";
import type { HttpAnswer } from "./http_exchange.ts";
import { loginMethod, type VaultToken } from "./login.ts";
import { MountProof } from "./proofs/mount.ts";
import { NamespaceProof } from "./proofs/namespace.ts";
import { judgeRead, type ReadJudgement } from "./read_judgement.ts";
import { refusePath } from "./secret_path.ts";
import { isEnding, VaultSession } from "./session.ts";
import { VaultClient } from "./vault_client.ts";

/** How Vault is doing, for health and admin routes. */
export interface VaultStatus {
  /**
   * - `unused`: nothing was read yet.
   * - `working`: the last read had an answer.
   * - `token_ending`: so it had, but the token ends within a day and the operator has to give another one. A
   *   token from a file has until the last tenth of its life.
   * - `failing`: the last read had none: Vault cannot be asked, or refuses the token or the login.
   */
  readonly state: "unused" | "working" | "token_ending" | "failing";
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** One sentence for people; holds no secret. */
  readonly reason?: string;
  /** When the token ends, in milliseconds since 1970; left out when it does not, or nobody can say. */
  readonly tokenExpiresAt?: number;
}

/** What a source is made with. */
export interface VaultSourceOptions {
  readonly settings: VaultSettings;
  readonly logger: Logger;
  /** @default the system's */
  readonly clock?: Clock;
}

/** Reads secrets from one mount. Disposal ends the renewal of its token. */
export class VaultSource implements SecretSource {
  readonly #settings: VaultSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #client: VaultClient;
  readonly #session: VaultSession | undefined;
  readonly #namespace: NamespaceProof;
  readonly #mount: MountProof;
  #state: "unused" | "working" | "failing" = "unused";
  #since: number;
  #reason: string | undefined;

  constructor({ settings, logger, clock = systemClock }: VaultSourceOptions) {
    this.#settings = settings;
    this.#logger = logger;
    this.#clock = clock;
    const client = this.#client = new VaultClient({ ...settings, clock });
    const method = loginMethod(settings.login, client, clock);
    if (method !== undefined) this.#session = new VaultSession({ client, method, clock, logger });
    this.#namespace = new NamespaceProof(client, settings.namespace);
    this.#mount = new MountProof(client, settings, clock);
    this.#since = clock.now();
  }

  /**
   * Reads all fields of a secret with one request. How many reads run at a time is the caller's decision.
   *
   * @param path below the mount, for example `webhooks/auth`; the answer says what is wrong with one that is not
   * @throws the signal's reason, when it aborts first
   */
  async read(path: string, signal: AbortSignal): Promise<SecretAnswer> {
    const mistake = refusePath(path);
    if (mistake !== undefined) return { state: "misconfigured", reason: mistake };
    try {
      const answer = await this.#ask(path, signal);
      this.#report("working");
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof VaultFailure)) throw error;
      this.#report("failing", error.message);
      return { state: error.state, reason: error.message };
    }
  }

  /** How Vault is doing. Asks nothing. */
  status(): VaultStatus {
    const expiry = this.#session?.expiry;
    const isWorking = this.#state === "working" && isEnding(expiry, this.#clock.now());
    const reason = isWorking
      ? "The token of Vault cannot be renewed: give another one before it ends"
      : this.#reason;
    return {
      state: isWorking ? "token_ending" : this.#state,
      since: this.#since,
      ...(reason === undefined ? {} : { reason }),
      ...(expiry === undefined ? {} : { tokenExpiresAt: expiry.at }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.[Symbol.asyncDispose]();
  }

  async #ask(path: string, signal: AbortSignal): Promise<SecretAnswer> {
    const session = this.#session;
    await this.#namespace.require(signal);
    let token = await session?.token(signal);
    let answer = await this.#request(path, token, signal);
    let judgement = judgeRead(answer, this.#settings.kvVersion);
    if (judgement.kind === "token" && session !== undefined && token !== undefined) {
      token = await session.replacement(token, signal);
      answer = await this.#request(path, token, signal);
      judgement = judgeRead(answer, this.#settings.kvVersion);
    }
    if (judgement.kind !== "token" && judgement.kind !== "unable") session?.accepted();
    return await this.#conclude(path, judgement, answer, token, signal);
  }

  async #request(path: string, token: VaultToken | undefined, signal: AbortSignal): Promise<HttpAnswer> {
    const question = {
      method: "GET",
      path: this.#pathOf(path),
      token: token?.value,
      inNamespace: true,
    } as const;
    return await this.#client.ask(question, signal);
  }

  async #conclude(
    path: string,
    judgement: ReadJudgement,
    answer: HttpAnswer,
    token: VaultToken | undefined,
    signal: AbortSignal,
  ): Promise<SecretAnswer> {
    const place = `'${this.#pathOf(path)}'`;
    switch (judgement.kind) {
      case "found": {
        if (judgement.doubtful) await this.#proveMount(path, answer, token, signal);
        const { fields, version } = judgement;
        return { state: "found", fields, ...(version === undefined ? {} : { version }) };
      }
      case "absent":
        await this.#mount.require(this.#pathOf(path), token?.value, signal);
        return {
          state: "absent",
          reason: `There is no secret at ${place}: ${judgement.why}${this.#hintFor(path)}`,
        };
      case "mistake":
        throw new VaultFailure(
          "misconfigured",
          `${place} cannot be read: ${judgement.why} (${this.#client.describe(answer)})`,
        );
      case "policy": {
        // Heals by itself when the policy is given back, and says nothing about Vault as a whole.
        const reason = `The token's policies do not allow to read ${place}: ${this.#client.describe(answer)}`;
        return { state: "unavailable", reason };
      }
      case "token": {
        const what = token === undefined
          ? "Vault asks for a token: set VAULT_TOKEN or another login"
          : "Vault refuses the token, and one of a new login as well";
        throw this.#client.failure("unavailable", what, answer);
      }
      case "unable":
        throw this.#client.failure("unavailable", `${place} cannot be read`, answer);
    }
  }

  /** An answer that looks like one of the other KV version; if the mount is right, something else answered. */
  async #proveMount(
    path: string,
    answer: HttpAnswer,
    token: VaultToken | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#mount.require(this.#pathOf(path), token?.value, signal);
    if (this.#settings.kvVersion === 1) return;
    throw this.#client.failure("unavailable", "The answer is not in the form of KV version 2", answer);
  }

  /** Version 2 has `data/` between the mount and the path of a secret; the settings and references do not. */
  #pathOf(path: string): string {
    const { mount, kvVersion } = this.#settings;
    return kvVersion === 2 ? `${mount}/data/${path}` : `${mount}/${path}`;
  }

  #hintFor(path: string): string {
    const { mount } = this.#settings;
    return path.startsWith(`${mount}/`) || path.startsWith("data/")
      ? `; references name the path below the mount '${mount}', without the mount and without 'data/'`
      : "";
  }

  #report(state: "working" | "failing", reason?: string): void {
    this.#reason = reason;
    if (this.#state === state) return;
    const wasFailing = this.#state === "failing";
    this.#state = state;
    this.#since = this.#clock.now();
    if (state === "failing") this.#logger.warning("Secrets of Vault cannot be read: {reason}", { reason });
    else if (wasFailing) this.#logger.info("Secrets of Vault can be read again");
  }
}
