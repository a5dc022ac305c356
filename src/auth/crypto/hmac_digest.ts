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

/** The same, block by block: its state is words of 32 bits, of which the digest is the first ones. */
interface BlockHasher extends Hasher {
  get(): readonly number[];
  set(...state: readonly number[]): void;
  process(blocks: DataView, offset: number): void;
}

/** Hash functions at their beginning. */
export const HASHERS: Readonly<Record<HashAlgorithm, () => BlockHasher>> = {
  sha1: () => sha1.create() as unknown as BlockHasher,
  sha256: () => sha256.create() as unknown as BlockHasher,
  sha384: () => sha384.create() as unknown as BlockHasher,
  sha512: () => sha512.create() as unknown as BlockHasher,
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
const scratchView = new DataView(scratch.buffer);

/** What a message is padded with at its end (FIPS 180-4, section 5.1): this byte, zeros, and its length in bits. */
const END_OF_MESSAGE = 0x80;

/** The length takes this share of a block. */
const LENGTH_SHARE = 8;

const WORD_BYTES = 4;

/**
 * HMAC (RFC 2104) with one key: H(outer key ‖ H(inner key ‖ message)). Both keys are taken in once, and each
 * message goes on from the states after them. It is padded here: for messages of some blocks, all that the library
 * does around a block takes a quarter of the time.
 */
export class HmacDigest {
  readonly #algorithm: HashAlgorithm;
  readonly #innerKey: Uint8Array<ArrayBuffer>;
  readonly #hasher: BlockHasher;
  /** The states behind the keys. */
  readonly #inner: readonly number[];
  readonly #outer: readonly number[];
  /** The only block behind the outer key: the digest of the message, padded. */
  readonly #outerBlock: Uint8Array<ArrayBuffer>;
  readonly #digest: Uint8Array<ArrayBuffer>;
  readonly #views: { readonly outerBlock: DataView; readonly digest: DataView };

  constructor(algorithm: HashAlgorithm, key: Uint8Array<ArrayBuffer>) {
    const { blockBytes, digestBytes } = HASH_SIZES[algorithm];
    const block = new Uint8Array(blockBytes);
    if (key.length > blockBytes) block.setFromHex(hash(algorithm, key, "hex"));
    else block.set(key);
    this.#algorithm = algorithm;
    this.#innerKey = block.map((byte) => byte ^ INNER_PAD);
    this.#hasher = HASHERS[algorithm]();
    this.#inner = stateBehind(algorithm, this.#innerKey);
    this.#outer = stateBehind(algorithm, block.map((byte) => byte ^ OUTER_PAD));
    this.#outerBlock = new Uint8Array(blockBytes);
    this.#digest = new Uint8Array(digestBytes);
    this.#views = {
      outerBlock: new DataView(this.#outerBlock.buffer),
      digest: new DataView(this.#digest.buffer),
    };
    pad(this.#outerBlock, this.#views.outerBlock, digestBytes, blockBytes);
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
      this.#outerBlock.setFromHex(this.#nativeInnerHex(message));
    } else {
      scratch.set(message);
      const length = pad(scratch, scratchView, message.length, this.#outerBlock.length);
      this.#goOn(this.#inner, scratchView, length, this.#views.outerBlock);
    }
    this.#goOn(this.#outer, this.#views.outerBlock, this.#outerBlock.length, this.#views.digest);
    return this.#digest;
  }

  /** Hashes on from a state, and writes the digest down. */
  #goOn(state: readonly number[], blocks: DataView, length: number, to: DataView): void {
    const hasher = this.#hasher;
    hasher.set(...state);
    for (let at = 0; at < length; at += this.#outerBlock.length) hasher.process(blocks, at);
    const words = hasher.get();
    for (let at = 0; at < this.#digest.length; at += WORD_BYTES) to.setInt32(at, words[at / WORD_BYTES]!);
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

/** The state of a hash function that has taken in one block. */
function stateBehind(algorithm: HashAlgorithm, block: Uint8Array): readonly number[] {
  const hasher = HASHERS[algorithm]();
  hasher.update(block);
  return hasher.get();
}

/**
 * Pads what follows a block of its key.
 *
 * @param room begins with the message
 * @returns where the padded message ends
 */
function pad(room: Uint8Array, view: DataView, length: number, blockBytes: number): number {
  const end = Math.ceil((length + 1 + blockBytes / LENGTH_SHARE) / blockBytes) * blockBytes;
  room[length] = END_OF_MESSAGE;
  room.fill(0, length + 1, end);
  view.setUint32(end - WORD_BYTES, (blockBytes + length) * 8);
  return end;
}
