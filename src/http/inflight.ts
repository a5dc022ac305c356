import { assertCount, GatewayError } from "../errors.ts";

/** Requests and body bytes under way, with a bound on both: memory is refused before it is gone. */
export class Inflight {
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  #requests = 0;
  #bytes = 0;
  #whenIdle: (() => void) | undefined;

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

  /** @throws {GatewayError} `overloaded` at the bound */
  enter(): void {
    if (this.#requests >= this.#maxRequests) {
      throw new GatewayError("overloaded", undefined, { retryAfterSeconds: 1 });
    }
    this.#requests++;
  }

  leave(): void {
    this.#requests = assertCount(this.#requests - 1, "requests under way");
    if (this.#requests === 0) this.#whenIdle?.();
  }

  /**
   * @throws {GatewayError} `overloaded` when the bytes do not fit any more
   * @throws {InvariantError} when they are no safe integer from 0: the bound would be off from then on
   */
  reserve(bytes: number): void {
    if (this.#bytes + assertCount(bytes, "body bytes to reserve") > this.#maxBytes) {
      throw new GatewayError("overloaded", undefined, { retryAfterSeconds: 1 });
    }
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes = assertCount(this.#bytes - bytes, "body bytes under way");
  }

  /** Resolves with `true` when no request is under way, or with `false` when the signal aborts first. */
  idle(signal: AbortSignal): Promise<boolean> {
    if (this.#requests === 0) return Promise.resolve(true);
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onAbort = () => resolve(false);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#whenIdle = () => {
        signal.removeEventListener("abort", onAbort);
        resolve(true);
      };
    });
  }
}
