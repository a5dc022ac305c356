import type { Outage } from "../provider.ts";
import type { SessionEnd } from "./session_end.ts";

/** Keeps track of the time since changes in etcd have last reached this process. */
export class OutageClock {
  readonly #degradedAfterMs: number;
  #since: { readonly wall: number; readonly monotonic: number } | undefined;
  #end: SessionEnd | undefined;

  /** @param degradedAfterMs how old an outage is that counts, in milliseconds */
  constructor(degradedAfterMs: number) {
    this.#degradedAfterMs = degradedAfterMs;
  }

  /** A session has ended, or none came about. An outage lasts from the first one on; the last one says why. */
  noteEnd(end: SessionEnd): void {
    this.#since ??= { wall: Date.now(), monotonic: performance.now() };
    this.#end = end;
  }

  /** Changes arrive again. */
  noteWatch(): void {
    this.#since = undefined;
    this.#end = undefined;
  }

  /** What is known of the outage that goes on; `undefined` while there is none. */
  get outage(): Outage | undefined {
    if (this.#since === undefined || this.#end === undefined) return undefined;
    const { reason, message } = this.#end;
    return { reason, message, since: this.#since.wall };
  }

  /** Whether an outage goes on that is old enough to count. */
  get isDegraded(): boolean {
    return this.#since !== undefined && performance.now() - this.#since.monotonic >= this.#degradedAfterMs;
  }
}
