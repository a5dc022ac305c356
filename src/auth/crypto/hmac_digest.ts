/**
 * HMAC with a key that is prepared once, for requests that are verified thousands of times a second.
 *
 * @module
 */

import { createHash, hash } from "node:crypto";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

/** Hash functions of signatures. */
export type HashAlgorithm = "sha256" | "sha1" | "sha384" | "sha512";

interface HashSizes {
  /** How many bytes the hash function takes in at a time: the padded key has this length. */
  readonly blockBytes: number;
  readonly digestBytes: number;
  /**
   * Messages up to this length are hashed in JavaScript. The native hash is ten times as fast, but each call of
   * it leaves objects behind whose collection costs as much as so many bytes: 5 µs.
   */
  readonly scriptBytes: number;
}

/** Sizes of the hash functions, in bytes. */
export const HASH_SIZES: Readonly<Record<HashAlgorithm, HashSizes>> = {
  sha1: { blockBytes: 64, digestBytes: 20, scriptBytes: 1536 },
  sha256: { blockBytes: 64, digestBytes: 32, scriptBytes: 1024 },
  sha384: { blockBytes: 128, digestBytes: 48, scriptBytes: 384 },
  sha512: { blockBytes: 128, digestBytes: 64, scriptBytes: 384 },
};

/**
 * A hash function under way, whose state can be copied: `_cloneInto` is what the library's own HMAC and PBKDF2
 * are made with.
 */
export interface Hasher {
  update(data: Uint8Array): unknown;
  digestInto(output: Uint8Array): void;
  _cloneInto(to?: Hasher): Hasher;
}

/** Hash functions at their beginning. */
export const HASHERS: Readonly<Record<HashAlgorithm, () => Hasher>> = {
  sha1: () => sha1.create() as unknown as Hasher,
  sha256: () => sha256.create() as unknown as Hasher,
  sha384: () => sha384.create() as unknown as Hasher,
  sha512: () => sha512.create() as unknown as Hasher,
};

/** Messages up to this length are copied behind the key and hashed in one call; beyond, in pieces. */
const COPY_BYTES = 64 * 1024;

const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/**
 * Room for a padded key and a message, shared by all keys: it is filled and read without anything else running
 * in between.
 */
const scratch = new Uint8Array(HASH_SIZES.sha512.blockBytes + COPY_BYTES);

/**
 * HMAC (RFC 2104) with one key: H(outer key ‖ H(inner key ‖ message)). Both keys are taken in once, and each
 * message goes on from copies of the states after them.
 */
export class HmacDigest {
  readonly #algorithm: HashAlgorithm;
  readonly #innerKey: Uint8Array<ArrayBuffer>;
  readonly #inner: Hasher;
  readonly #outer: Hasher;
  readonly #digest: Uint8Array<ArrayBuffer>;
  #hasher: Hasher;

  constructor(algorithm: HashAlgorithm, key: Uint8Array<ArrayBuffer>) {
    const { blockBytes, digestBytes } = HASH_SIZES[algorithm];
    const block = new Uint8Array(blockBytes);
    if (key.length > blockBytes) block.setFromHex(hash(algorithm, key, "hex"));
    else block.set(key);
    this.#algorithm = algorithm;
    this.#innerKey = block.map((byte) => byte ^ INNER_PAD);
    this.#inner = HASHERS[algorithm]();
    this.#inner.update(this.#innerKey);
    this.#outer = HASHERS[algorithm]();
    this.#outer.update(block.map((byte) => byte ^ OUTER_PAD));
    this.#digest = new Uint8Array(digestBytes);
    this.#hasher = this.#outer._cloneInto();
  }

  /** The message's code in lower-case hexadecimal. */
  hex(message: Uint8Array<ArrayBuffer>): string {
    return this.#digestOf(message).toHex();
  }

  /** The message's code in base64 with padding. */
  base64(message: Uint8Array<ArrayBuffer>): string {
    return this.#digestOf(message).toBase64();
  }

  /** The message's code in base64url without padding, as JOSE writes it (RFC 7515, section 2). */
  base64url(message: Uint8Array<ArrayBuffer>): string {
    return this.#digestOf(message).toBase64({ alphabet: "base64url", omitPadding: true });
  }

  /** @returns memory that the next call uses again */
  #digestOf(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (message.length > HASH_SIZES[this.#algorithm].scriptBytes) {
      this.#digest.setFromHex(this.#nativeInnerHex(message));
    } else this.#goOn(this.#inner, message);
    this.#goOn(this.#outer, this.#digest);
    return this.#digest;
  }

  /** Hashes on from a state, which stays as it is. */
  #goOn(state: Hasher, data: Uint8Array): void {
    this.#hasher = state._cloneInto(this.#hasher);
    this.#hasher.update(data);
    this.#hasher.digestInto(this.#digest);
  }

  #nativeInnerHex(message: Uint8Array<ArrayBuffer>): string {
    if (message.length > COPY_BYTES) {
      return createHash(this.#algorithm).update(this.#innerKey).update(message).digest("hex");
    }
    scratch.set(this.#innerKey);
    scratch.set(message, this.#innerKey.length);
    return hash(this.#algorithm, scratch.subarray(0, this.#innerKey.length + message.length), "hex");
  }
}
