/**
 * A value as it stands in etcd: its text and its hash.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { parseConfigValue } from "../../values/json_value.ts";
import type { ConfigPut } from "../../provider.ts";

const BYTE_ORDER_MARK = 0xfeff;

/** Multipliers of the hash. */
const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** A value as it stands in etcd. It keeps the bytes that it was read from in memory. */
export class EtcdValue {
  /** Without a byte order mark, which some editors put before it; `null` when it is not UTF-8. */
  readonly text: string | null;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  /** Reads a value from its bytes, or from a part of a larger buffer. */
  constructor(bytes: Buffer, start = 0, end: number = bytes.length) {
    this.text = decodeText(bytes, start, end);
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  /** {@linkcode hashBytes} of its bytes; made when it is asked for, since requests wait for the text only. */
  get hash(): number {
    return hashBytes(this.#bytes, this.#start, this.#end);
  }
}

/** Parses the value as a configuration. */
export function parseEtcdValue({ text }: EtcdValue): ConfigPut["value"] {
  if (text !== null) return parseConfigValue(text);
  return { problem: { code: "invalid_json", path: "", message: "The value is not valid UTF-8 text" } };
}

function decodeText(bytes: Buffer, start: number, end: number): string | null {
  const text = withoutMark(bytes.toString("utf8", start, end));
  // The fast decoder replaces what it cannot read by U+FFFD, which may also have been written on purpose.
  if (!text.includes("\ufffd")) return text;
  try {
    strictUtf8.decode(bytes.subarray(start, end));
    return text;
  } catch {
    return null;
  }
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

/**
 * A 53-bit hash of some bytes, to tell whether a value has changed without keeping it: two accumulators
 * of 32 bits after cyrb53. It withstands accidents, not adversaries; whoever may write configuration has
 * no use for a collision.
 *
 * @see https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js
 */
export function hashBytes(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let high = 0xdeadbeef ^ (end - start);
  let low = 0x41c6ce57 ^ (end - start);
  for (let index = start; index < end; index++) {
    const byte = bytes[index]!;
    high = Math.imul(high ^ byte, PRIME_1);
    low = Math.imul(low ^ byte, PRIME_2);
  }
  high = Math.imul(high ^ (high >>> 16), PRIME_2) ^ Math.imul(low ^ (low >>> 13), PRIME_1);
  low = Math.imul(low ^ (low >>> 16), PRIME_2) ^ Math.imul(high ^ (high >>> 13), PRIME_1);
  return (high >>> 11) * 0x100000000 + (low >>> 0);
}
