/**
 * The nonces of a server of digest authentication. One costs no memory before it was used with the right password:
 * that it was given out here, and when, is in the nonce, under a keyed hash.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { LinkedList, Listed } from "../../../time/linked_list.ts";
import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";

/** Most used nonces that are remembered. At the bound the one that was used first is forgotten, and counts as old. */
const MAX_USED = 10_000;

/** How far behind the highest count of a nonce a request may come, since requests overtake each other. */
const WINDOW_COUNTS = 128;
const WINDOW = (1n << BigInt(WINDOW_COUNTS)) - 1n;

/** Digits of the time, of what tells nonces of one millisecond apart, and of the hash over both: all hexadecimal. */
const TIME_DIGITS = 12;
const SIGNED_DIGITS = 28;
const HASH_DIGITS = 32;

const encoder = new TextEncoder();

/** Room for what is signed of a nonce, filled and read without anything else running in between. */
const scratch = new Uint8Array(SIGNED_DIGITS);

/** What a nonce and its count are worth once the response was right. */
export type NonceUse =
  /** Not used before. */
  | "fresh"
  /** Not given out here, too long ago, or forgotten: the sender is to try again with a new one. */
  | "old"
  /** Used before with the same count: the request was heard by somebody, or sent twice. */
  | "repeated";

/** A used nonce with its counts: one bit a count, beginning with the highest. */
class UsedNonce extends Listed<UsedNonce> {
  seen = 1n;

  constructor(readonly nonce: string, public highest: number) {
    super();
  }
}

/** Gives nonces out, and takes each of them once for every count. */
export class Nonces {
  readonly #hash: HmacDigest;
  readonly #lifetimeMs: number;
  readonly #maxUsed: number;
  readonly #used = new Map<string, UsedNonce>();
  /** The same, the one that was used first at the beginning. */
  readonly #inOrder = new LinkedList<UsedNonce>();
  /** Differs between instances that have a key in common. */
  readonly #instance = randomBytes(4).toString("hex");
  #count = 0;
  /** What was given out until then and is not remembered may have been used before. */
  #forgottenUntil = Date.now();

  /**
   * @param key nonces of others that have the same one are taken too. @default one that nobody has
   * @param maxUsed most used nonces that are remembered
   */
  constructor(lifetimeMs: number, key: Uint8Array<ArrayBuffer> = randomKey(), maxUsed: number = MAX_USED) {
    this.#hash = new HmacDigest("sha256", key);
    this.#lifetimeMs = lifetimeMs;
    this.#maxUsed = maxUsed;
  }

  /** A new nonce of 60 hexadecimal digits. */
  issue(): string {
    const time = Math.max(Date.now(), this.#forgottenUntil + 1);
    this.#count = (this.#count + 1) >>> 0;
    const signed = hexOf(time, TIME_DIGITS) + this.#instance + hexOf(this.#count, 8);
    return signed + this.#hashOf(signed);
  }

  /** Whether a nonce could be {@linkcode use}d now. */
  isCurrent(nonce: string): boolean {
    if (!this.#isGenuine(nonce)) return false;
    const time = timeOf(nonce);
    if (Date.now() - time > this.#lifetimeMs) return false;
    return time > this.#forgottenUntil || this.#used.has(nonce);
  }

  /** Takes a nonce with a count from 1 on. To be called only for who knows the password: it takes memory. */
  use(nonce: string, count: number): NonceUse {
    if (!this.isCurrent(nonce)) return "old";
    const used = this.#used.get(nonce);
    if (used !== undefined) return useAgain(used, count);
    this.#forgetOldest();
    const first = new UsedNonce(copyOf(nonce), count);
    this.#used.set(first.nonce, first);
    this.#inOrder.add(first);
    return "fresh";
  }

  #isGenuine(nonce: string): boolean {
    if (nonce.length !== SIGNED_DIGITS + HASH_DIGITS) return false;
    return equalText(nonce.slice(SIGNED_DIGITS), this.#hashOf(nonce.slice(0, SIGNED_DIGITS)));
  }

  #hashOf(signed: string): string {
    encoder.encodeInto(signed, scratch);
    return this.#hash.hex(scratch).slice(0, HASH_DIGITS);
  }

  /** Those that are too old go as well, of which the first used ones are mostly the oldest. */
  #forgetOldest(): void {
    const now = Date.now();
    for (let oldest = this.#inOrder.first; oldest !== undefined; oldest = this.#inOrder.first) {
      const time = timeOf(oldest.nonce);
      const isExpired = now - time > this.#lifetimeMs;
      if (!isExpired && this.#used.size < this.#maxUsed) return;
      this.#used.delete(oldest.nonce);
      this.#inOrder.delete(oldest);
      if (!isExpired) this.#forgottenUntil = Math.max(this.#forgottenUntil, time);
    }
  }
}

/** Counts that are left out may come yet; those that are too far behind may have been there. */
function useAgain(used: UsedNonce, count: number): NonceUse {
  const ahead = count - used.highest;
  if (ahead > 0) {
    used.seen = ahead >= WINDOW_COUNTS ? 1n : (used.seen << BigInt(ahead)) & WINDOW | 1n;
    used.highest = count;
    return "fresh";
  }
  if (-ahead >= WINDOW_COUNTS) return "old";
  const bit = 1n << BigInt(-ahead);
  if ((used.seen & bit) !== 0n) return "repeated";
  used.seen |= bit;
  return "fresh";
}

/** A part of a longer text, such as a header, keeps all of it in memory. */
function copyOf(ascii: string): string {
  return Buffer.from(ascii, "latin1").toString("latin1");
}

function timeOf(nonce: string): number {
  return Number.parseInt(nonce.slice(0, TIME_DIGITS), 16);
}

function hexOf(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}

function randomKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(32));
}
