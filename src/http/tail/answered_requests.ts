/**
 * The last requests of each webhook that were not refused, for operators who ask what came in, and with which outcome. It
 * stands in memory alone: a restart forgets it. Of refused ones there is a history of their own.
 *
 * @module
 */

import type { GatewayError } from "../../errors.ts";
import { nextRequestNumber } from "./request_number.ts";

/** Requests that are kept of one webhook. */
const KEPT_REQUESTS = 20;

/** Webhooks whose requests are kept, the ones that had some last. All of them full take about 4 MiB. */
const KEPT_WEBHOOKS = 1_000;

/** A request that was answered. */
export interface KeptRequest {
  /** `namespace/id` of its webhook. */
  readonly path: string;
  /** When it had come, in milliseconds since 1970. */
  readonly at: number;
  /** `accepted`, `duplicate`, `replayed`, `filtered`, `probe`, `challenge`, or the code of the failure. */
  readonly outcome: string;
  readonly status: number;
  /** The request's id, and the event's where there is one. */
  readonly id: string;
  /** From its head to its answer, in whole milliseconds. */
  readonly ms: number;
  /** How long its body was as sent; 0 where none was read. */
  readonly bytes: number;
  /** Why it has failed; `undefined` for others. Holds nothing that the client sent, and no secret. */
  readonly reason: string | undefined;
  /** Whether it was accepted and delivered while its sender waited, so that the journal has never had it. */
  readonly isDeliveredAtOnce: boolean;
}

/** A request in a list. */
export interface ListedAnswer extends KeptRequest {
  /** Grows with every request that is kept. */
  readonly number: number;
}

/** Written over again and again: a request allocates nothing here. */
class Slot implements ListedAnswer {
  path = "";
  at = 0;
  outcome = "";
  status = 0;
  id = "";
  ms = 0;
  bytes = 0;
  reason: string | undefined;
  isDeliveredAtOnce = false;
  /** 0 while the slot is empty. */
  number = 0;
}

/** The last requests of one webhook. */
class Ring {
  readonly #slots = Array.from({ length: KEPT_REQUESTS }, () => new Slot());
  #next = 0;
  /** Whether it has got one since it was last looked at. */
  isUsed = true;

  /** The slot of the oldest request, for the next one. */
  take(): Slot {
    const slot = this.#slots[this.#next]!;
    this.#next = this.#next + 1 === KEPT_REQUESTS ? 0 : this.#next + 1;
    this.isUsed = true;
    return slot;
  }

  get filled(): readonly Slot[] {
    return this.#slots.filter(({ number }) => number > 0);
  }
}

/** Remembers requests: 20 of each of at most 1,000 webhooks. */
export class AnsweredRequests {
  readonly #rings = new Map<string, Ring>();

  /**
   * Notes a request that a webhook has answered.
   *
   * @param path `namespace/id` of a webhook that exists
   * @param outcome what has become of it, or why it has failed
   * @param isDeliveredAtOnce whether the journal has never had its event. @default false
   */
  note(
    path: string,
    outcome: string | GatewayError,
    { id, at, ms, status, bytes }: Pick<KeptRequest, "id" | "at" | "ms" | "status" | "bytes">,
    reason: string | undefined,
    isDeliveredAtOnce = false,
  ): void {
    const slot = (this.#rings.get(path) ?? this.#add(path)).take();
    slot.path = path;
    slot.at = at;
    slot.outcome = typeof outcome === "string" ? outcome : outcome.code;
    slot.status = status;
    slot.id = id;
    slot.ms = ms;
    slot.bytes = bytes;
    slot.reason = reason;
    slot.isDeliveredAtOnce = isDeliveredAtOnce;
    slot.number = nextRequestNumber();
  }

  /** All that are kept and match, the newest first. */
  list(matches: (request: ListedAnswer) => boolean): readonly ListedAnswer[] {
    return Array.from(this.#rings.values(), (ring) => ring.filled.filter(matches)).flat()
      .sort((a, b) => b.number - a.number)
      .map((slot) => ({ ...slot }));
  }

  /** The webhook does not exist any more. */
  forget(path: string): void {
    this.#rings.delete(path);
  }

  #add(path: string): Ring {
    if (this.#rings.size >= KEPT_WEBHOOKS) this.#forgetOne();
    const ring = new Ring();
    this.#rings.set(path, ring);
    return ring;
  }

  /** Forgets the first that has had no request since it was last looked at: putting each in order would cost every one. */
  #forgetOne(): void {
    for (const [path, ring] of this.#rings) {
      this.#rings.delete(path);
      if (!ring.isUsed) return;
      ring.isUsed = false;
      this.#rings.set(path, ring);
    }
  }
}
