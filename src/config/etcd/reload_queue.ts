import { abortable } from "../../time/abortable.ts";
import { within } from "../../time/within.ts";

interface Request {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Requests to look at etcd now. All that wait are served by one list. */
export class ReloadQueue {
  #waiting: Request[] = [];
  #arrived = Promise.withResolvers<void>();
  #closed: Error | undefined;

  /**
   * Resolves when a list that was begun after this call has been applied.
   *
   * @throws {DOMException} `AbortError` when the signal aborts first
   * @throws {Error} when the queue is closed
   */
  async request(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
    const request = Promise.withResolvers<void>();
    this.#waiting.push(request);
    this.#arrived.resolve();
    try {
      await abortable(request.promise, signal);
    } finally {
      this.#waiting = this.#waiting.filter((other) => other !== request);
    }
  }

  /** Returns whether a request waits, or arrives within some milliseconds. */
  async waitFor(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return this.#waiting.length > 0 || await this.arrivesWithin(milliseconds, signal);
  }

  /** Returns whether a new request arrives within some milliseconds, and waits so long for it. */
  async arrivesWithin(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    this.#arrived = Promise.withResolvers();
    return await within(milliseconds, this.#arrived.promise, signal);
  }

  /** Does the work for all requests that wait now. When it fails they go on waiting for the next try. */
  async serve(work: () => Promise<void>): Promise<void> {
    const served = [...this.#waiting];
    await work();
    for (const request of served) request.resolve();
    this.#waiting = this.#waiting.filter((request) => !served.includes(request));
  }

  /** Fails all requests, also those to come. */
  close(reason: Error): void {
    this.#closed = reason;
    for (const request of this.#waiting) request.reject(reason);
  }
}
