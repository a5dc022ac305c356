/**
 * What the webhooks of a namespace hold together, and how much of it the policy lets them have.
 *
 * @module
 */

import { assertCount, GatewayError } from "../errors.ts";
import type { NamespaceLimits } from "./rules.ts";

const NO_LIMITS: NamespaceLimits = {};

/** The part of a namespace in what is under way. One for all of its webhooks, whose limits may change at any time. */
export class NamespaceShare {
  limits: NamespaceLimits = NO_LIMITS;
  #requests = 0;
  #bytes = 0;

  /** Longest body, in bytes. */
  get maxBodyBytes(): number {
    return this.limits.maxBodyBytes ?? Infinity;
  }

  /** Events that may wait in the journal. */
  get maxPending(): number {
    return this.limits.pending ?? Infinity;
  }

  /** A request is under way. @throws {GatewayError} `overloaded` at the bound */
  enter(): void {
    if (this.#requests >= (this.limits.inFlight ?? Infinity)) throw full("requests");
    this.#requests++;
  }

  leave(): void {
    this.#requests = assertCount(this.#requests - 1, "requests of a namespace");
  }

  /** Takes bytes of bodies. The only request may have what it needs. @throws {GatewayError} `overloaded` at the bound */
  reserve(bytes: number): void {
    const isAlone = this.#bytes === 0;
    if (!isAlone && this.#bytes + bytes > (this.limits.inFlightBytes ?? Infinity)) throw full("bytes");
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes = assertCount(this.#bytes - bytes, "body bytes of a namespace");
  }
}

function full(what: string): GatewayError {
  return new GatewayError("overloaded", undefined, {
    retryAfterSeconds: 1,
    reason: `The namespace has all the ${what} under way that the policy permits`,
  });
}
