/**
 * The handshakes of one gateway: which webhooks wait for a secret, and which have been brought one.
 *
 * @module
 */

import { namesIn } from "../../event/names.ts";
import type { Logger } from "@logtape/logtape";
import { UnavailableError } from "../unavailable.ts";
import type { Handshakes, HandshakeStore, KeptHandshake } from "./handshakes.ts";

/** Seconds after which a sender should try again while the store cannot be used. */
const RETRY_AFTER_SECONDS = 10;

/** What an operator is shown of one webhook. */
export interface HandshakeState {
  /** Until when its secret is waited for, in milliseconds since 1970; `undefined` while it is not. */
  readonly openUntil: number | undefined;
  /** When it was brought, in milliseconds since 1970; `undefined` where it was not. */
  readonly takenAt: number | undefined;
  readonly isShown: boolean;
}

/** Windows are kept in memory: a gateway that starts again waits for nothing. */
export class HandshakeRegistry implements Handshakes {
  readonly #store: HandshakeStore;
  readonly #logger: Logger;
  /** When windows close, in milliseconds of the monotonic clock. */
  readonly #openUntil = new Map<string, number>();
  /** The secrets of webhooks that were asked for; `undefined` where there is none. */
  readonly #known = new Map<string, string | undefined>();

  constructor(store: HandshakeStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /**
   * Waits for a secret from now on.
   *
   * @param ms for how long, in milliseconds
   * @returns `false` where the webhook has one
   */
  async open(webhook: string, ms: number): Promise<boolean> {
    if (await this.#store.find(webhook) !== undefined) return false;
    this.#openUntil.set(webhook, performance.now() + ms);
    this.#logger.info("The handshake of webhook {namespace}/{webhook} is open", {
      ...namesIn(webhook),
      seconds: ms / 1000,
    });
    return true;
  }

  isOpen(webhook: string): boolean {
    const until = this.#openUntil.get(webhook);
    if (until === undefined) return false;
    if (until > performance.now()) return true;
    this.#openUntil.delete(webhook);
    return false;
  }

  secretOf(webhook: string): string | undefined | Promise<string | undefined> {
    return this.#known.has(webhook) ? this.#known.get(webhook) : this.#find(webhook);
  }

  async #find(webhook: string): Promise<string | undefined> {
    const secret = (await this.#available(this.#store.find(webhook)))?.secret;
    // One that was taken meanwhile is newer.
    if (!this.#known.has(webhook)) this.#known.set(webhook, secret);
    return this.#known.get(webhook);
  }

  async take(webhook: string, secret: string): Promise<boolean> {
    if (!this.isOpen(webhook)) return false;
    const until = this.#openUntil.get(webhook)!;
    // At once, so that of two at the same time only one is taken.
    this.#openUntil.delete(webhook);
    let isKept;
    try {
      isKept = await this.#available(this.#store.keep(webhook, secret, Date.now()));
    } catch (error) {
      this.#openUntil.set(webhook, until);
      throw error;
    }
    if (!isKept) return false;
    this.#known.set(webhook, secret);
    this.#logger.warning(
      "Webhook {namespace}/{webhook} was brought its secret: cwm handshake {namespace}/{webhook} --show " +
        "shows it once, for 'secret' of the webhook",
      namesIn(webhook),
    );
    return true;
  }

  async stateOf(webhook: string): Promise<HandshakeState> {
    const kept = await this.#store.find(webhook);
    const leftMs = this.isOpen(webhook) ? this.#openUntil.get(webhook)! - performance.now() : undefined;
    return {
      openUntil: leftMs === undefined ? undefined : Date.now() + leftMs,
      takenAt: kept?.takenAt,
      isShown: kept?.isShown ?? false,
    };
  }

  /** The secret, the first time that it is asked for. */
  async show(webhook: string): Promise<KeptHandshake | undefined> {
    const kept = await this.#store.find(webhook);
    if (kept === undefined) return undefined;
    const isFirst = await this.#store.markShown(webhook);
    return { ...kept, isShown: !isFirst };
  }

  /** Forgets the secret and waits for none. @returns whether there was one */
  async forget(webhook: string): Promise<boolean> {
    this.#openUntil.delete(webhook);
    const hadOne = await this.#store.forget(webhook);
    this.#known.delete(webhook);
    return hadOne;
  }

  /** The configuration names a secret by now: nothing is waited for, and what was brought and shown is not kept. */
  async settle(webhook: string): Promise<void> {
    this.#openUntil.delete(webhook);
    this.#known.delete(webhook);
    try {
      const kept = await this.#store.find(webhook);
      if (kept?.isShown === true && await this.#store.forget(webhook)) {
        this.#logger.info(
          "The secret of webhook {namespace}/{webhook} is named by its configuration, and kept no longer",
          namesIn(webhook),
        );
      }
    } catch (error) {
      // It is not used any more; the next change of the webhook, or the next start, tries again.
      this.#logger.warning("The secret that webhook {namespace}/{webhook} was brought cannot be removed", {
        ...namesIn(webhook),
        error,
      });
    }
  }

  async #available<Value>(asking: Promise<Value>): Promise<Value> {
    try {
      return await asking;
    } catch (cause) {
      throw new UnavailableError("The secret of the handshake cannot be read or kept: see the journal", {
        cause,
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
  }
}
