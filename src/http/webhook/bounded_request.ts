/**
 * What a request takes of the gateway's bounds: a place among those under way, and memory for its body. It is a class to
 * inherit from, since another object would cost every request more than it does.
 *
 * @module
 */

import type { WebhookEntry } from "../../config/entry.ts";
import type { BodyMemory } from "../../io/memory/body_memory.ts";
import type { NamespaceShare } from "../../policy/share.ts";
import { Deadline } from "../../time/deadlines.ts";
import type { InFlight } from "../in_flight.ts";

/** What bounds all requests together. */
export interface RequestBounds {
  readonly inFlight: InFlight;
  readonly bodyMemory: BodyMemory;
}

/** A request that holds its part of the bounds until it gives it back. */
export abstract class BoundedRequest extends Deadline {
  readonly #bounds: RequestBounds;
  /** Whether the bound on requests counts this one. */
  #isCounted = false;
  /** The webhook that this request is counted for. */
  #webhook: WebhookEntry | undefined;
  /** What it is counted in for its namespace; `undefined` where that has no bounds, and before. */
  #share: NamespaceShare | undefined;
  /** Body bytes that it holds of that. */
  #sharedBytes = 0;
  /** Body bytes held; `undefined` before the webhook is in use, and after they were given back. */
  #reserved: number | undefined;
  /** What is left of the body to be collected, once nobody has it. */
  #leftBytes = 0;
  #isReading = false;
  /** How long the body was as sent, in bytes; 0 while none was read. */
  receivedBytes = 0;

  constructor(bounds: RequestBounds) {
    super();
    this.#bounds = bounds;
  }

  /** @throws {GatewayError} `overloaded` when there is no place for it */
  protected enter(): void {
    this.#bounds.inFlight.enter();
    this.#isCounted = true;
  }

  /**
   * Takes memory for a body. One of unknown length is counted as if it were as long as it may be.
   *
   * @throws {GatewayError} `overloaded` when there is not as much, or the webhook has its share
   */
  protected hold(webhook: WebhookEntry, bytes: number): void {
    const { inFlight } = this.#bounds;
    inFlight.hold(webhook.holding);
    this.#webhook = webhook;
    if (webhook.share !== undefined) this.#enterShare(webhook.share, bytes);
    inFlight.reserve(bytes, webhook.holding);
    this.#reserved = bytes;
    webhook.enter();
  }

  #enterShare(share: NamespaceShare, bytes: number): void {
    share.enter();
    this.#share = share;
    share.reserve(bytes);
    this.#sharedBytes = bytes;
  }

  /**
   * Of a body and what it is decoded to, the larger one counts: both are there for a moment only.
   *
   * @throws {GatewayError} `overloaded`, as {@linkcode hold} does
   */
  protected holdAtLeast(bytes: number): void {
    const more = bytes - this.#reserved!;
    if (more <= 0) return;
    if (this.#share !== undefined) {
      this.#share.reserve(more);
      this.#sharedBytes += more;
    }
    this.#bounds.inFlight.reserve(more, this.#webhook!.holding);
    this.#reserved! += more;
  }

  /**
   * From now on what counts is what the body takes, and not what it could have taken.
   *
   * @throws {GatewayError} `overloaded`, as {@linkcode hold} does
   */
  protected holdExactly(bytes: number): void {
    if (bytes === this.#reserved) return;
    this.holdAtLeast(bytes);
    this.#bounds.inFlight.release(this.#reserved! - bytes, this.#webhook!.holding);
    this.#reserved = bytes;
    this.#releaseShared(bytes);
  }

  /** @param left what is still held */
  #releaseShared(left: number): void {
    if (this.#share === undefined) return;
    this.#share.release(this.#sharedBytes - left);
    this.#sharedBytes = left;
  }

  /** Whether the body is being read. */
  protected get isReading(): boolean {
    return this.#isReading;
  }

  protected beginReading(): void {
    this.#isReading = true;
    this.#bounds.inFlight.startReading();
  }

  /** Nothing happens when the body is not being read. @param length what has come of it. @default it is not known */
  protected endReading(length?: number): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#bounds.inFlight.endReading();
    if (length !== undefined) this.#leftBytes = this.receivedBytes = length;
  }

  /** Another body was made of the one that was read, whose memory has been given back. @param length 0 for none */
  protected noteLeft(length: number): void {
    this.#leftBytes = length;
  }

  /** Gives everything back but the body's memory, which may be in use even after the answer. */
  protected giveBackPlace(): void {
    const { inFlight } = this.#bounds;
    if (this.#reserved !== undefined) this.#webhook!.leave();
    if (this.#webhook !== undefined) inFlight.letGo(this.#webhook.holding);
    this.#share?.leave();
    if (this.#isCounted) inFlight.leave();
  }

  protected giveBackBody(): void {
    const { inFlight, bodyMemory } = this.#bounds;
    const bytes = this.#reserved;
    this.#reserved = undefined;
    if (bytes !== undefined) inFlight.release(bytes, this.#webhook!.holding);
    this.#releaseShared(0);
    bodyMemory.release(this.#leftBytes);
  }
}
