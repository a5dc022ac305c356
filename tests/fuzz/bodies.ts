/**
 * Bodies for fuzzing: documents, forms and bytes, in charsets and content codings, whole and damaged.
 *
 * @module
 */

import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { hostileText } from "../attacks/hostile_request.ts";
import type { SeededRandom } from "../faults/random.ts";
import { anyText, mutateBytes } from "./mutation.ts";

type Random = SeededRandom;

/** A body and the headers that describe it. */
export interface FuzzBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Most bytes of a body before it is coded: few are long. */
const MOST_BYTES = 20_000;

const TYPES = [
  "application/json",
  "application/json",
  "application/json; charset=utf-8",
  "application/json;charset=utf-16le",
  'application/json; charset="latin1"',
  "application/json; charset=shift_jis",
  "application/json; charset=utf-7",
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded; charset=windows-1252",
  "APPLICATION/X-WWW-FORM-URLENCODED ;",
  "multipart/form-data; boundary=x",
  "text/plain",
  "",
];

const CODINGS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: (bytes) => gzipSync(bytes, { level: 1 }),
  deflate: (bytes) => deflateSync(bytes, { level: 1 }),
  "deflate ": (bytes) => deflateRawSync(bytes, { level: 1 }),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: (bytes) => zstdCompressSync(bytes),
  "gzip, br": (bytes) => CODINGS["br"]!(gzipSync(bytes, { level: 1 })),
  "x-gzip,,identity": (bytes) => gzipSync(bytes, { level: 1 }),
  "compress": (bytes) => bytes,
  "gzip, gzip, gzip, gzip": (bytes) => bytes,
};

/** Any body. */
export function anyBody(random: Random): FuzzBody {
  let bytes = plainBytes(random);
  const headers: [string, string][] = [["content-type", random.pick(TYPES)]];
  if (random.next() < 0.2) {
    const coding = random.pick(Object.keys(CODINGS));
    bytes = new Uint8Array(CODINGS[coding]!(bytes));
    headers.push(["content-encoding", coding]);
    if (random.next() < 0.6) bytes = mutateBytes(random, bytes);
  }
  const declared = random.next();
  if (declared < 0.8) headers.push(["content-length", String(bytes.length)]);
  else if (declared < 0.85) headers.push(["content-length", String(random.between(0, 2 * bytes.length + 2))]);
  return { bytes, headers };
}

function plainBytes(random: Random): Uint8Array<ArrayBuffer> {
  const size = Math.floor(MOST_BYTES ** random.next());
  const text = random.next() < 0.5 ? jsonText(random, 4) : hostileText(random, size);
  const bytes = new TextEncoder().encode(text);
  switch (random.between(0, 4)) {
    case 0:
      return mutateBytes(random, bytes);
    case 1:
      return random.next() < 0.1 ? utf16(text) : bytes;
    default:
      return bytes;
  }
}

function utf16(text: string): Uint8Array<ArrayBuffer> {
  const units = Uint16Array.from(text, (character) => character.charCodeAt(0));
  return new Uint8Array(units.buffer);
}

/** A document of a few values, now and then with what is none. */
export function jsonText(random: Random, depth: number): string {
  const child = () => jsonText(random, depth - 1);
  switch (random.between(0, depth <= 0 ? 6 : 9)) {
    case 0:
      return random.pick(["null", "true", "false", "tru", "NaN", "", "undefined", "Infinity"]);
    case 1:
      return random.pick([
        "0",
        "-0",
        "1e400",
        "-1.5E-7",
        "01",
        "1.",
        "9007199254740993",
        "-",
        "0x1",
        "1e99999999",
      ]);
    case 2:
    case 3:
      return random.next() < 0.9 ? JSON.stringify(anyText(random, 12)) : `"${anyText(random, 12)}"`;
    case 4:
      return random.pick([
        '"\\ud800"',
        '"\\u0000"',
        '"\\uD83D\\uDE00"',
        '"\\x41"',
        '"\t"',
        '"\ud800"',
        '"\ufeff"',
      ]);
    case 5:
      return `${random.pick([" ", "\n", "\ufeff", "\u00a0", "/**/", "\f"])}${child0(random)}`;
    case 6:
      return `[${list(random, child)}]`;
    default:
      return `{${list(random, () => `${JSON.stringify(memberName(random))}:${child()}`)}}`;
  }
}

function child0(random: Random): string {
  return random.pick(["1", "{}", "[]", '""', "{", "]"]);
}

function memberName(random: Random): string {
  return random.pick([
    "id",
    "id",
    "a",
    "",
    "__proto__",
    "constructor",
    "a/b",
    "a~0b",
    "0",
    anyText(random, 6),
  ]);
}

function list(random: Random, item: () => string): string {
  const items = Array.from({ length: random.between(0, 4) }, item);
  return items.join(random.next() < 0.95 ? "," : random.pick([",,", ";", ""]));
}
