/**
 * Changes texts and bytes as somebody would who knows how they are read: by tokens, by parameters, inside of what is
 * encoded, and at last bit by bit.
 *
 * @module
 */

import type { SeededRandom } from "../faults/random.ts";

type Random = SeededRandom;

/** Longest text or body that is made of a shorter one, in characters or bytes. */
const MOST = 100_000;

/** Pieces that readers of headers, URLs and configurations look for. */
const TOKENS: readonly string[] = [
  ..." \t,;:=&?#%+/\\\"'.-_@[]{}()<>|*$!~0",
  "",
  "%00",
  "%2",
  "%zz",
  "%C3%28",
  "\u00e9",
  "\u00ff",
  "\u00a0",
  "\u0080",
  "null",
  "undefined",
  "true",
  "NaN",
  "-1",
  "0x10",
  "1e999",
  "99999999999999999999",
  "9007199254740993",
  "__proto__",
  "constructor",
  "toString",
  "Basic ",
  "bearer ",
  "Digest ",
  "OAuth ",
  'realm="x"',
  'nonce=""',
  "nc=00000001",
  "qop=auth-int",
  'uri="*"',
  'username="',
  "algorithm=SHA-256-sess",
  "userhash=true",
  "oauth_version=2.0",
  "oauth_nonce=",
  "sha256=",
  "e30",
  "eyJhbGciOiJub25lIn0",
  '{"alg":"none"}',
  '{"alg":"HS256","crit":["exp"],"exp":1}',
  '{"alg":"HS256","kid":"../../dev/null","jku":"http://127.0.0.1/"}',
  '"exp":1e400',
  '"aud":[[]]',
  "127.0.0.1",
  "::ffff:127.0.0.1",
  "[::1]:80",
  "0177.0.0.1",
  "fe80::1%eth0",
  "255.255.255.256",
  "for=",
  "By=spiffe://",
  'Subject="CN=a, O=b"',
];

/** A token that some reader looks for. */
export function token(random: Random): string {
  return random.pick(TOKENS);
}

/** Any text of so many characters at most, mostly of tokens. */
export function anyText(random: Random, most = 64): string {
  let text = "";
  const length = random.between(0, most + 1);
  while (text.length < length) {
    text += random.next() < 0.5 ? token(random) || "a" : String.fromCharCode(random.between(0, 256));
  }
  return text;
}

type TextMutation = (random: Random, text: string) => string;

const TEXT_MUTATIONS: readonly TextMutation[] = [
  (random, text) => flipBit(random, text),
  (random, text) => flipBit(random, text),
  (random, text) => replacePiece(random, text, token(random)),
  (random, text) => insert(random, text, token(random)),
  (random, text) => replacePiece(random, text, ""),
  (random, text) => insert(random, text, text),
  (random, text) => text.slice(0, random.between(0, text.length + 1)),
  (random, text) => text.slice(random.between(0, text.length + 1)),
  (_, text) => swapCase(text),
  (random, text) => ` \t${text}\t `.slice(random.between(0, 3)),
  (random, text) => changeParameter(random, text),
  (random, text) => changeParameter(random, text),
  (random, text) => changeEncoded(random, text),
  (random, text) => changeEncoded(random, text),
  (random, text) => text + token(random).repeat(random.between(0, 2_000)),
  (random, text) => anyText(random, text.length),
  (random) => anyText(random),
  () => "",
];

/** A text that is nearly this one. */
export function mutateText(random: Random, text: string): string {
  let changed = text;
  for (let count = random.pick([1, 1, 1, 2, 3]); count > 0; count--) {
    changed = random.pick(TEXT_MUTATIONS)(random, changed).slice(0, MOST);
  }
  return changed;
}

type BytesMutation = (random: Random, bytes: Uint8Array) => Uint8Array;

const BYTES_MUTATIONS: readonly BytesMutation[] = [
  (random, bytes) => withByte(random, bytes, (byte) => byte ^ (1 << random.between(0, 8))),
  (random, bytes) =>
    withByte(random, bytes, () => random.pick([0, 0x20, 0x22, 0x5c, 0x7f, 0x80, 0xc0, 0xed, 0xff])),
  (random, bytes) => bytes.subarray(0, random.between(0, bytes.length + 1)),
  (random, bytes) => bytes.subarray(random.between(0, bytes.length + 1)),
  (random, bytes) => joined(bytes, bytes.subarray(0, random.between(0, bytes.length + 1))),
  (random, bytes) => {
    const at = random.between(0, bytes.length + 1);
    return joined(bytes.subarray(0, at), latin1(token(random)), bytes.subarray(at));
  },
  (random, bytes) => {
    const [from, to] = range(random, bytes.length);
    return joined(bytes.subarray(0, from), bytes.subarray(to));
  },
];

/** Bytes that are nearly these. */
export function mutateBytes(random: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let changed: Uint8Array = bytes;
  for (let count = random.pick([1, 1, 2, 4]); count > 0; count--) {
    changed = random.pick(BYTES_MUTATIONS)(random, changed).subarray(0, MOST);
  }
  return new Uint8Array(changed);
}

function flipBit(random: Random, text: string): string {
  if (text === "") return text;
  const at = random.between(0, text.length);
  const flipped = String.fromCharCode(text.charCodeAt(at) ^ (1 << random.between(0, 8)));
  return text.slice(0, at) + flipped + text.slice(at + 1);
}

function insert(random: Random, text: string, inserted: string): string {
  const at = random.between(0, text.length + 1);
  return text.slice(0, at) + inserted + text.slice(at);
}

function replacePiece(random: Random, text: string, by: string): string {
  const [from, to] = range(random, text.length);
  return text.slice(0, from) + by + text.slice(to);
}

function range(random: Random, length: number): readonly [from: number, to: number] {
  const from = random.between(0, length + 1);
  return [from, Math.min(length, from + random.pick([1, 1, 2, 8, length]))];
}

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => letter < "a" ? letter.toLowerCase() : letter.toUpperCase());
}

/** Lists such as `realm="a", nonce="b"`, `a.b.c`, `a=1&b=2`: one part is left out, doubled, moved or changed. */
function changeParameter(random: Random, text: string): string {
  const separator = random.pick(
    [",", "&", ".", " ", ":", ";"].filter((one) => text.includes(one)).concat(","),
  );
  const parts = text.split(separator);
  const at = random.between(0, parts.length);
  const part = parts[at]!;
  const value = /^([^=]*=\s*)(.*)$/s.exec(part);
  const changes: readonly (() => unknown)[] = [
    () => parts.splice(at, 1),
    () => parts.splice(at, 0, part),
    () => parts.splice(random.between(0, parts.length), 0, ...parts.splice(at, 1)),
    () => parts[at] = value === null ? token(random) : value[1]! + token(random),
    () => parts[at] = value === null ? flipBit(random, part) : value[1]! + flipBit(random, value[2]!),
    () => parts.push(...Array.from({ length: random.between(0, 500) }, () => part.slice(0, 20))),
  ];
  random.pick(changes)();
  return parts.join(separator);
}

/** Changes what a piece of base64 or base64url holds, and encodes it again. */
function changeEncoded(random: Random, text: string): string {
  const pieces = [...text.matchAll(/[\w+/-]{4,}={0,2}/g)];
  if (pieces.length === 0) return flipBit(random, text);
  const piece = random.pick(pieces);
  const isUrl = /[-_]/.test(piece[0]) || text.split(".").length === 3;
  const alphabet = isUrl ? "base64url" : "base64";
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(piece[0], { alphabet });
  } catch {
    return flipBit(random, text);
  }
  const changed = random.next() < 0.5
    ? mutateBytes(random, bytes)
    : latin1(mutateText(random, toLatin1(bytes)));
  const encoded = changed.toBase64({ alphabet, omitPadding: !piece[0].endsWith("=") });
  return text.slice(0, piece.index) + encoded + text.slice(piece.index + piece[0].length);
}

function withByte(random: Random, bytes: Uint8Array, change: (byte: number) => number): Uint8Array {
  const changed = bytes.slice();
  if (bytes.length === 0) return changed;
  const at = random.between(0, bytes.length);
  changed[at] = change(changed[at]!);
  return changed;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}

function toLatin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
