/**
 * Bounds on the requests and the body bytes that are under way at once.
 *
 * @module
 */

import { fairRoom, type Holding } from "../time/fair_share.ts";
import { assertCount, GatewayError } from "../errors.ts";
import { endsBefore } from "../time/abortable.ts";

/**
 * Requests and body bytes under way, with a bound on both: memory is refused before it is gone. Of both, each
 * webhook has a fair share at most, so that one whose output hangs leaves room for the others.
 */
export class InFlight {
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  #requests = 0;
  #bytes = 0;
  #reading = 0;
  readonly #whenIdle = new Set<() => void>();
  readonly #whenRead = new Set<() => void>();
  /** How many requests are refused for the connections that they come by. */
  #toRefuse = 0;

  /** @param maxBytes of declared bodies, since memory is needed for them from the first byte on */
  constructor(maxRequests: number, maxBytes: number) {
    this.#maxRequests = maxRequests;
    this.#maxBytes = maxBytes;
  }

  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many more requests may be under way. */
  get freeRequests(): number {
    return this.#maxRequests - this.#requests;
  }

  /** @throws {GatewayError} `overloaded` at the bound, or when the connection is to be closed */
  enter(): void {
    if (this.#toRefuse > 0) throw this.#refusal();
    if (this.#requests >= this.#maxRequests) {
      throw new GatewayError("overloaded", undefined, { retryAfterSeconds: 1 });
    }
    this.#requests++;
  }

  /** Refuses the next requests, as many as given instead of those that are left: each closes its connection. */
  refuseNext(count: number): void {
    this.#toRefuse = assertCount(count, "requests to refuse");
  }

  leave(): void {
    this.#requests = assertCount(this.#requests - 1, "requests under way");
    if (this.#requests === 0 && this.#whenIdle.size > 0) callAll(this.#whenIdle);
  }

  /**
   * Counts a request that has entered for the webhook that it is for.
   *
   * @throws {GatewayError} `overloaded` when the webhook has its share of the requests
   */
  hold(holding: Holding): void {
    // What is free does not count this request any more.
    if (holding.requests > 0 && fairRoom(holding.requests, this.freeRequests + 1) < 0) throw beyondShare();
    holding.requests++;
  }

  letGo(holding: Holding): void {
    holding.requests = assertCount(holding.requests - 1, "requests to a webhook");
  }

  /**
   * @param holding of the webhook whose request needs them
   * @throws {GatewayError} `overloaded` when the bytes do not fit any more, or the webhook has its share of them
   * @throws {InvariantError} when they are no safe integer from 0: the bound would be off from then on
   */
  reserve(bytes: number, holding: Holding): void {
    const free = this.#maxBytes - this.#bytes;
    if (assertCount(bytes, "body bytes to reserve") > free) {
      throw new GatewayError("overloaded", undefined, { retryAfterSeconds: 1 });
    }
    // The only request to a webhook may have what there is: no body within the limits is refused for ever.
    if (holding.requests > 1 && bytes > fairRoom(holding.bytes, free)) throw beyondShare();
    this.#bytes += bytes;
    holding.bytes += bytes;
  }

  release(bytes: number, holding: Holding): void {
    this.#bytes = assertCount(this.#bytes - bytes, "body bytes under way");
    holding.bytes = assertCount(holding.bytes - bytes, "body bytes of a webhook");
  }

  /** The body of a request is being read from now on. */
  startReading(): void {
    this.#reading++;
  }

  /** It is not any more. */
  endReading(): void {
    this.#reading = assertCount(this.#reading - 1, "bodies being read");
    if (this.#reading === 0 && this.#whenRead.size > 0) callAll(this.#whenRead);
  }

  /** Resolves with `true` when no request is under way, or with `false` when the signal aborts first. */
  async idle(signal: AbortSignal): Promise<boolean> {
    if (this.#requests === 0) return true;
    return await calledBefore(signal, this.#whenIdle);
  }

  /**
   * Resolves with `true` at a moment when no body is being read, or with `false` when the signal aborts first.
   * The end of the server breaks bodies off, while it waits for answers.
   */
  async bodiesRead(signal: AbortSignal): Promise<boolean> {
    if (this.#reading === 0) return true;
    return await calledBefore(signal, this.#whenRead);
  }

  #refusal(): GatewayError {
    this.#toRefuse--;
    return new GatewayError("overloaded", undefined, {
      retryAfterSeconds: 1,
      headers: { connection: "close" },
      reason: "More connections are open than MAX_CONNECTIONS",
    });
  }
}

function beyondShare(): GatewayError {
  return new GatewayError("overloaded", undefined, {
    retryAfterSeconds: 1,
    reason: "This webhook has its share of the requests or bytes that may be under way",
  });
}

function callAll(listeners: ReadonlySet<() => void>): void {
  for (const listener of listeners) listener();
}

/** Resolves with `true` when the listeners are called, or with `false` when the signal aborts first. */
async function calledBefore(signal: AbortSignal, listeners: Set<() => void>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<void>();
  listeners.add(resolve);
  const wereCalled = await endsBefore(signal, promise);
  listeners.delete(resolve);
  return wereCalled;
}
