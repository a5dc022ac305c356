import { createHash, hash } from "node:crypto";

/** Hash functions of signatures. */
export type HashAlgorithm = "sha256" | "sha1" | "sha512";

interface HashSizes {
  /** How many bytes the hash function takes in at a time: the padded key has this length. */
  readonly blockBytes: number;
  readonly digestBytes: number;
}

/** Sizes of the hash functions, in bytes. */
export const HASH_SIZES: Readonly<Record<HashAlgorithm, HashSizes>> = {
  sha1: { blockBytes: 64, digestBytes: 20 },
  sha256: { blockBytes: 64, digestBytes: 32 },
  sha512: { blockBytes: 128, digestBytes: 64 },
};

/** Messages up to this length are hashed in one call; beyond, copying them costs more than it saves. */
const ONE_CALL_BYTES = 64 * 1024;

const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/**
 * Room for a padded key and what is hashed after it, shared by all keys: it is filled and read without
 * anything else running in between.
 */
const scratch = new Uint8Array(HASH_SIZES.sha512.blockBytes + ONE_CALL_BYTES);

/** The parts of the scratch room that the outer hash works on, made once since views cost as much as hashes. */
interface OuterViews {
  /** Where the inner hash goes, behind the outer key. */
  readonly inner: Uint8Array<ArrayBuffer>;
  /** The outer key and the inner hash. */
  readonly whole: Uint8Array<ArrayBuffer>;
}

function outerViews(algorithm: HashAlgorithm): OuterViews {
  const { blockBytes, digestBytes } = HASH_SIZES[algorithm];
  const whole = scratch.subarray(0, blockBytes + digestBytes);
  return { inner: whole.subarray(blockBytes), whole };
}

const OUTER_VIEWS: Readonly<Record<HashAlgorithm, OuterViews>> = {
  sha1: outerViews("sha1"),
  sha256: outerViews("sha256"),
  sha512: outerViews("sha512"),
};

/**
 * HMAC (RFC 2104) with one key: H(outer key ‖ H(inner key ‖ message)). Both keys are padded once, and each
 * hash is one native call, which takes less than half the time of `createHmac` for a message of 150 bytes.
 */
export class HmacDigest {
  readonly #algorithm: HashAlgorithm;
  readonly #innerKey: Uint8Array<ArrayBuffer>;
  readonly #outerKey: Uint8Array<ArrayBuffer>;

  constructor(algorithm: HashAlgorithm, key: Uint8Array<ArrayBuffer>) {
    const { blockBytes } = HASH_SIZES[algorithm];
    const block = new Uint8Array(blockBytes);
    if (key.length > blockBytes) block.setFromHex(hash(algorithm, key, "hex"));
    else block.set(key);
    this.#algorithm = algorithm;
    this.#innerKey = block.map((byte) => byte ^ INNER_PAD);
    this.#outerKey = block.map((byte) => byte ^ OUTER_PAD);
  }

  /** The message's code in lower-case hexadecimal. */
  hex(message: Uint8Array<ArrayBuffer>): string {
    const innerHex = this.#innerHex(message);
    const { inner, whole } = OUTER_VIEWS[this.#algorithm];
    scratch.set(this.#outerKey);
    inner.setFromHex(innerHex);
    return hash(this.#algorithm, whole, "hex");
  }

  /** The message's code in base64 with padding. */
  base64(message: Uint8Array<ArrayBuffer>): string {
    scratch.setFromHex(this.hex(message));
    return scratch.subarray(0, HASH_SIZES[this.#algorithm].digestBytes).toBase64();
  }

  #innerHex(message: Uint8Array<ArrayBuffer>): string {
    if (message.length > ONE_CALL_BYTES) {
      return createHash(this.#algorithm).update(this.#innerKey).update(message).digest("hex");
    }
    scratch.set(this.#innerKey);
    scratch.set(message, this.#innerKey.length);
    return hash(this.#algorithm, scratch.subarray(0, this.#innerKey.length + message.length), "hex");
  }
}
