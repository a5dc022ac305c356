/**
 * Keys below one prefix, and the names that they go by.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { escapeUnsafe } from "../../../observability/safe_text.ts";

/** Longest part of a key that is shown, in characters. */
const PRINTED_CHARACTERS = 200;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The keys below one prefix. Inside the provider a key goes by its name: the bytes below the prefix, one
 * character each, which is cheap, loses nothing, and for every key of the gateway is the key as it was written.
 */
export class KeySpace {
  readonly prefix: string;
  /** The first key of the range. */
  readonly start: Buffer;
  /** The key after the last one of the range. */
  readonly end: Buffer;

  constructor(prefix: string) {
    this.prefix = prefix;
    // etcd takes no empty key: a zero byte stands for the very first one.
    this.start = prefix === "" ? Buffer.of(0) : Buffer.from(prefix);
    this.end = prefix === "" ? Buffer.of(0) : successor(this.start);
  }

  /** The name of a key within the range, which may stand in a larger buffer. */
  nameOf(bytes: Buffer, start = 0, end: number = bytes.length): string {
    return bytes.toString("latin1", start + this.#prefixLength, end);
  }

  /** The inverse of {@linkcode nameOf}. */
  keyOf(name: string): Buffer {
    return Buffer.concat([this.start.subarray(0, this.#prefixLength), Buffer.from(name, "latin1")]);
  }

  /** The whole key in a form that is safe to print, whatever bytes it is made of. */
  print(name: string): string {
    const key = this.keyOf(name);
    let text: string;
    try {
      text = escapeUnsafe(strictUtf8.decode(key));
    } catch {
      // Not UTF-8, so there is no text to show but the bytes.
      text = key.toString("latin1").replace(
        /[^ -~]/g,
        (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
      );
    }
    return text.length <= PRINTED_CHARACTERS
      ? text
      : `${text.slice(0, PRINTED_CHARACTERS)}… (${key.length} bytes)`;
  }

  get #prefixLength(): number {
    return this.prefix === "" ? 0 : this.start.length;
  }
}

/** The first key that does not begin with these bytes; a zero byte, "to the end", when there is none. */
function successor(bytes: Buffer): Buffer {
  for (let index = bytes.length - 1; index >= 0; index--) {
    const byte = bytes[index]!;
    if (byte < 0xff) return Buffer.concat([bytes.subarray(0, index), Buffer.of(byte + 1)]);
  }
  return Buffer.of(0);
}

/** The smallest key that is greater than this one. */
export function keyAfter(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}
