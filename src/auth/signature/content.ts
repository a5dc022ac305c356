/**
 * What is signed: a template with places that are filled from the request, `{t}.{body}` for example.
 *
 * @module
 */

import { hash } from "node:crypto";

/** What a template may name. */
const PLACES = [
  "body",
  "bodySha256",
  "asciiJson",
  "t",
  "id",
  "nonce",
  "method",
  "url",
  "urlNoQuery",
  "sortedQuery",
  "secret",
] as const;

export type ContentPlace = typeof PLACES[number];

/** A literal text, or the name of a place. */
export type ContentPart = { readonly text: string } | { readonly place: ContentPlace };

/** What of a request a template can name. Texts are those of the request, unchanged. */
export interface SignedParts {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly t: string;
  readonly id: string;
  readonly nonce: string;
  readonly method: string;
  readonly url: string;
}

const encoder = new TextEncoder();

/** The parts of a template, or in one sentence what is wrong with it. `\n` is a line feed. */
export function parseTemplate(template: string): readonly ContentPart[] | string {
  const parts: ContentPart[] = [];
  for (const piece of template.split(/(\{[^{}]*\})/)) {
    if (piece === "") continue;
    if (!piece.startsWith("{")) {
      parts.push({ text: piece });
      continue;
    }
    const place = PLACES.find((known) => piece === `{${known}}`);
    if (place === undefined) return `${piece} is none of {${PLACES.join("}, {")}}`;
    parts.push({ place });
  }
  return parts;
}

/** A template that is filled for each request. */
export class SignedContent {
  readonly #parts: readonly ContentPart[];
  readonly #isBody: boolean;

  /** @param template must be valid */
  constructor(template: string) {
    const parts = parseTemplate(template);
    if (typeof parts === "string") throw new TypeError(parts);
    this.#parts = parts;
    this.#isBody = template === "{body}";
  }

  /** Whether the template names a place. */
  names(place: ContentPlace): boolean {
    return this.#parts.some((part) => "place" in part && part.place === place);
  }

  /** Whether the whole body is signed. */
  get signsBody(): boolean {
    return this.names("body") || this.names("bodySha256") || this.names("asciiJson");
  }

  /** The bytes that are signed. @param secret for templates that name it */
  of(parts: SignedParts, secret: string): Uint8Array<ArrayBuffer> {
    if (this.#isBody) return parts.body;
    return joined(
      this.#parts.map((part) => "text" in part ? part.text : valueOf(part.place, parts, secret)),
    );
  }
}

function valueOf(place: ContentPlace, parts: SignedParts, secret: string): string | Uint8Array<ArrayBuffer> {
  switch (place) {
    case "secret":
      return secret;
    case "bodySha256":
      return Uint8Array.fromHex(hash("sha256", parts.body, "hex"));
    case "asciiJson":
      return asciiJson(new TextDecoder().decode(parts.body));
    case "urlNoQuery":
      return parts.url.split("?", 1)[0]!;
    case "sortedQuery":
      return sortedQuery(parts.url);
    default:
      return parts[place];
  }
}

/** A JSON text as senders write it that escape slashes, and whatever is not ASCII or is DEL. */
function asciiJson(json: string): string {
  return json
    .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .replace(/(?<!\\)\//g, "\\/");
}

/** The pairs of the query, sorted by their names, as they are decoded and encoded again by the URL standard. */
function sortedQuery(url: string): string {
  const start = url.indexOf("?");
  if (start === -1) return "";
  const query = new URLSearchParams(url.slice(start + 1));
  query.sort();
  return query.toString();
}

/** Texts are ASCII in nearly all requests: writing them out takes a third of the time that encoders need for them. */
function joined(pieces: readonly (string | Uint8Array<ArrayBuffer>)[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") {
      if (!writeAscii(piece, whole, at)) return joined(pieces.map(encoded));
    } else whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** @returns whether the text is ASCII */
function writeAscii(text: string, target: Uint8Array, at: number): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return false;
    target[at + index] = code;
  }
  return true;
}

function encoded(piece: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return typeof piece === "string" ? encoder.encode(piece) : piece;
}
