/**
 * Bodies in another charset than UTF-8: the `charset` of a Content-Type, as the WHATWG Encoding Standard knows
 * it. Decoding is strict: what is malformed is refused, not replaced.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import { EventBody } from "../../event/event.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import type { Steps } from "./large_bodies.ts";

/** A parameter of a media type (RFC 9110, section 8.3.1); its value may be a quoted string. */
const PARAMETER = /;[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;"]*)/g;

/** US-ASCII by its names. It is part of UTF-8; the Encoding Standard would take the rest for Windows-1252. */
const ASCII: ReadonlySet<string> = new Set(["us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"]);

const STRICT = { fatal: true };

/** How many bytes are decoded in one step. */
const PIECE_BYTES = 64 * 1024;

/** By label. There are as many as the Encoding Standard has labels. */
const decoders = new Map<string, TextDecoder>();

/**
 * The charset that a Content-Type declares, in lower case; `undefined` when it declares none or UTF-8. The first
 * of several counts, as in browsers.
 */
export function foreignCharset(contentType: string | null): string | undefined {
  for (const [, name, value = ""] of contentType?.matchAll(PARAMETER) ?? []) {
    if (name?.toLowerCase() !== "charset") continue;
    const charset = unquote(value.trim()).trim().toLowerCase();
    return charset === "" || ASCII.has(charset) || isUtf8(charset) ? undefined : charset;
  }
  return undefined;
}

/** The Content-Type without any `charset`, for a body that is UTF-8 now. */
export function withoutCharset(contentType: string): string {
  return contentType.replace(
    PARAMETER,
    (parameter, name: string) => name.toLowerCase() === "charset" ? "" : parameter,
  ).trim();
}

/**
 * Turns a body into UTF-8. A byte order mark says more than the declared charset, and is left out.
 *
 * @param limit largest size of the result in bytes
 * @throws {GatewayError} `unsupported_charset` when the platform does not know the charset, `invalid_json` when
 * the body is not text in it, `body_too_large` past the limit
 */
export function* toUtf8({ bytes }: EventBody, charset: string, limit: number): Steps<EventBody> {
  const known = decoderOf(markedCharset(bytes) ?? charset);
  if (known === undefined) throw new GatewayError("unsupported_charset");
  // Between two pieces a decoder holds half a character, which no other body may get.
  const decoder = bytes.byteLength > PIECE_BYTES ? new TextDecoder(known.encoding, STRICT) : known;
  const converted = new GrowingBytes();
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
    const isLast = at + PIECE_BYTES >= bytes.byteLength;
    converted.appendText(decode(decoder, bytes.subarray(at, at + PIECE_BYTES), isLast));
    if (converted.size > limit) throw tooLarge(limit);
    yield;
  }
  return EventBody.fromBytes(yield* converted.take());
}

function decode(decoder: TextDecoder, piece: Uint8Array, isLast: boolean): string {
  try {
    return decoder.decode(piece, { stream: !isLast });
  } catch (cause) {
    const reason = `The body is not text in ${decoder.encoding}, as declared or marked at its start`;
    throw new GatewayError("invalid_json", undefined, { cause, reason });
  }
}

function tooLarge(limit: number): GatewayError {
  const reason = `The body is larger than the limit of ${limit} bytes once it is UTF-8`;
  return new GatewayError("body_too_large", undefined, { reason });
}

/** Quotes of the other kind are none, but senders write them. */
function unquote(value: string): string {
  return /^["']/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
}

function isUtf8(charset: string): boolean {
  return charset === "utf-8" || decoderOf(charset)?.encoding === "utf-8";
}

/** The charset that a byte order mark at the start stands for. */
function markedCharset([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return first === 0xff && second === 0xfe ? "utf-16le" : undefined;
}

function decoderOf(label: string): TextDecoder | undefined {
  let decoder = decoders.get(label);
  if (decoder === undefined) {
    try {
      decoder = new TextDecoder(label, STRICT);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return undefined;
    }
    decoders.set(label, decoder);
  }
  return decoder;
}
