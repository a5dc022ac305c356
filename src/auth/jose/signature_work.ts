/**
 * Bounds the time that goes into checking signatures with public keys. One takes up to some milliseconds, in which
 * nothing else runs, and strangers can send as many that are wrong as they like.
 *
 * @module
 */

import { UnavailableError } from "../unavailable.ts";

/** Most of the time that it may take in the long run. */
const SHARE = 0.25;

/** How much it may take at once after a time without any, in milliseconds. */
const BURST_MS = 250;

/** Seconds after which a sender should try again. */
const RETRY_AFTER_SECONDS = 1;

/** A bound on time, which fills while work is done and drains while it is not. */
export class SignatureWork {
  readonly #now: () => number;
  /** Time that was taken and has not drained yet, in milliseconds. */
  #taken = 0;
  #drainedAt: number;

  /** @param now in milliseconds. @default `performance.now()` */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#drainedAt = now();
  }

  /**
   * Does a piece of work, unless there was too much of it lately.
   *
   * @throws {UnavailableError} when there was
   */
  run<Result>(work: () => Result): Result {
    const startedAt = this.#now();
    this.#taken = Math.max(0, this.#taken - (startedAt - this.#drainedAt) * SHARE);
    this.#drainedAt = startedAt;
    if (this.#taken >= BURST_MS) {
      throw new UnavailableError(
        `Signatures that were not seen before take more than ${SHARE * 100} % of the time`,
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    }
    try {
      return work();
    } finally {
      this.#taken += this.#now() - startedAt;
    }
  }
}

/** That of the process, which all webhooks share. */
export const signatureWork = new SignatureWork();
