/**
 * What the peer of a `PUB` has subscribed to: messages whose first frame begins with certain bytes.
 *
 * @see https://rfc.zeromq.org/spec/29/
 * @module
 */

import { Buffer } from "node:buffer";
import type { Peer } from "./peer.ts";
import { type FrameBody, ZmtpError } from "./zmtp/frames.ts";

/** What a message begins with that adds or takes back a subscription. */
const KIND = { subscribe: 1, cancel: 0 } as const;

/** Most subscriptions of one peer, and bytes of all of them; one with more is disconnected. */
const MAX_SUBSCRIPTIONS = 10_000;
const MAX_BYTES = 1024 * 1024;

/** The subscriptions of one peer. */
export class Subscriptions {
  readonly #peer: Peer;
  /** How often each prefix was subscribed to. */
  readonly #counts = new Map<string, number>();
  /** How many prefixes have a length. Only these lengths are looked at: together they are no longer than all prefixes. */
  readonly #lengths = new Map<number, number>();
  /** The length of the longest prefix. */
  #longest = 0;
  #bytes = 0;
  readonly #first = Promise.withResolvers<void>();

  constructor(peer: Peer) {
    this.#peer = peer;
    peer.onMessage = ([frame]) => this.#hear(frame);
  }

  /** Resolves when there has been one. */
  get begun(): Promise<void> {
    return this.#first.promise;
  }

  /** Whether the peer wants messages with this first frame. */
  includes(frame: FrameBody): boolean {
    if (this.#counts.has("")) return true;
    if (this.#counts.size === 0) return false;
    const text = typeof frame === "string"
      ? frame
      : Buffer.from(frame.subarray(0, this.#longest)).toString("latin1");
    for (const length of this.#lengths.keys()) {
      if (length <= text.length && this.#counts.has(text.slice(0, length))) return true;
    }
    return false;
  }

  #hear(frame: Buffer | undefined): void {
    const kind = frame?.[0];
    if (frame === undefined || (kind !== KIND.subscribe && kind !== KIND.cancel)) return;
    const prefix = frame.toString("latin1", 1);
    const count = (this.#counts.get(prefix) ?? 0) + (kind === KIND.subscribe ? 1 : -1);
    if (count > 1) this.#counts.set(prefix, count);
    else if (count === 1) this.#add(prefix, kind === KIND.subscribe);
    else if (this.#counts.delete(prefix)) this.#forget(prefix);
  }

  #forget({ length }: string): void {
    this.#bytes -= length;
    const others = (this.#lengths.get(length) ?? 0) - 1;
    if (others > 0) this.#lengths.set(length, others);
    else {
      this.#lengths.delete(length);
      this.#longest = Math.max(0, ...this.#lengths.keys());
    }
  }

  #add(prefix: string, isNew: boolean): void {
    this.#counts.set(prefix, 1);
    if (!isNew) return;
    this.#bytes += prefix.length;
    this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1);
    this.#longest = Math.max(this.#longest, prefix.length);
    if (this.#counts.size > MAX_SUBSCRIPTIONS || this.#bytes > MAX_BYTES) {
      return this.#peer.end(new ZmtpError("it has too many subscriptions"));
    }
    this.#first.resolve();
  }
}
