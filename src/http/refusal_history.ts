/**
 * The last refusals of each webhook, for operators who ask why a sender is refused.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";
import { nextRequestNumber } from "./tail/request_number.ts";

/** Refusals that are kept of one webhook. */
const KEPT_REFUSALS = 20;

/**
 * Webhooks whose refusals are kept, the last ones that refused something: strangers decide how many do. All
 * of them full take about 6 MiB.
 */
const KEPT_WEBHOOKS = 1_000;

/** A request that was refused. */
export interface RefusedRequest {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly code: ErrorCode;
  /** One sentence that holds nothing the client sent and no secret. */
  readonly reason: string;
  /** The client's address; empty for Unix sockets. */
  readonly client: string;
  readonly requestId: string;
}

/** A refusal of any webhook. */
export interface ListedRefusal extends RefusedRequest {
  /** `namespace/id` of the webhook. */
  readonly path: string;
  /** Grows with every request that is kept. */
  readonly number: number;
}

/** The last refusals of one webhook. A full one overwrites its oldest. */
class Ring {
  readonly #kept: ListedRefusal[] = [];
  #oldest = 0;

  add(refused: ListedRefusal): void {
    if (this.#kept.length < KEPT_REFUSALS) {
      this.#kept.push(refused);
      return;
    }
    this.#kept[this.#oldest] = refused;
    this.#oldest = (this.#oldest + 1) % KEPT_REFUSALS;
  }

  get newestFirst(): ListedRefusal[] {
    return [...this.#kept.slice(this.#oldest), ...this.#kept.slice(0, this.#oldest)].reverse();
  }
}

/** Remembers refusals: 20 of each of at most 1,000 webhooks. */
export class RefusalHistory {
  /** By `namespace/id`, the webhook that refused something last at the end. */
  readonly #rings = new Map<string, Ring>();

  /** @param path `namespace/id` of a webhook that exists */
  add(path: string, refused: RefusedRequest): void {
    const ring = this.#rings.get(path) ?? new Ring();
    this.#rings.delete(path); // A Map keeps the order of insertion.
    if (this.#rings.size >= KEPT_WEBHOOKS) this.#forgetFirst();
    this.#rings.set(path, ring);
    ring.add({ ...refused, path, number: nextRequestNumber() });
  }

  /** The last refusals of a webhook, the newest first. */
  of(path: string): readonly RefusedRequest[] {
    return this.#rings.get(path)?.newestFirst ?? [];
  }

  /** All that are kept and match, the newest first. */
  list(matches: (refused: ListedRefusal) => boolean): readonly ListedRefusal[] {
    return Array.from(this.#rings.values(), (ring) => ring.newestFirst.filter(matches)).flat()
      .sort((a, b) => b.number - a.number);
  }

  /** The webhook does not exist any more. */
  forget(path: string): void {
    this.#rings.delete(path);
  }

  #forgetFirst(): void {
    for (const path of this.#rings.keys()) {
      this.#rings.delete(path);
      return;
    }
  }
}
