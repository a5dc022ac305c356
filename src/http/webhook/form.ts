/**
 * Bodies of HTML forms, `application/x-www-form-urlencoded`, as JSON documents. They are taken apart as the URL
 * Standard says, but strictly: what is not text in its charset is refused, not replaced.
 *
 * @see https://url.spec.whatwg.org/#urlencoded-parsing
 * @module
 */

import { isAscii } from "node:buffer";
import { GatewayError } from "../../errors.ts";
import { EventBody } from "../../event/event.ts";
import { describeJsonError, SEARCHED } from "../../json/error.ts";
import { foreignCharset } from "./charset.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import { type DocumentLimits, tooComplex } from "./json_document.ts";
import { finish, type Steps } from "./large_bodies.ts";

const MEDIA_TYPE = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data";

/** Fields of one form. Senders of webhooks have some dozens at most; each costs more than its bytes. */
const MAX_FIELDS = 1_000;

/** A document may be this many times as long as a form may be: escapes and quotes make it longer than the form. */
const MAX_GROWTH = 2;

/** The size up to which a document may grow as it likes, in UTF-16 code units. */
const ANY_GROWTH = 64 * 1024;

/** How many bytes or UTF-16 code units are worked on in one step. */
const PIECE = 64 * 1024;

/** In these charsets the bytes of `&`, `=` and `%` may be parts of other characters. */
const WITHOUT_ASCII: ReadonlySet<string> = new Set(["iso-2022-jp", "utf-16be", "utf-16le"]);

/** Code points behind it are two UTF-16 code units. */
const LAST_OF_BASIC_PLANE = 0xffff;

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

/** The field of a form that holds the document. */
export interface DocumentField {
  /** `undefined`: all fields are the document. */
  readonly name: string | undefined;
  /** Whether all fields are the document where this one is missing. */
  readonly isOptional: boolean;
}

/** A form's fields in the order in which their names first appear; a name may stand there several times. */
type Fields = Map<string, string[]>;

/**
 * The JSON document that a form stands for: an object with a text for each name, or a list of texts for a name
 * that is repeated; or the document in one of its fields, as it stands there.
 *
 * @param field the one that holds the document
 * @throws {GatewayError} `unsupported_media_type` when it is no form, `invalid_form`, `unsupported_charset`,
 * `invalid_json` or `json_too_complex` for what the field holds, `body_too_large` when the document is much longer
 * than the form may be
 */
export function* readForm(
  body: EventBody,
  headers: Headers,
  field: DocumentField,
  limits: DocumentLimits,
): Steps<EventBody> {
  const contentType = headers.get("content-type");
  if (!isForm(contentType)) {
    throw new GatewayError("unsupported_media_type", undefined, { headers: { accept: MEDIA_TYPE } });
  }
  const fields = yield* parseForm(body.bytes, decoderFor(contentType));
  const isObject = field.name === undefined || field.isOptional && !fields.has(field.name);
  return yield* isObject ? toObject(fields, limits.maxBytes) : documentIn(fields.get(field.name!), limits);
}

/**
 * The JSON document in one field of a form in parts (RFC 7578), as some providers send it. To be used for what a
 * provider has signed: it is taken apart in one go.
 *
 * @param field the name of the field; without one there is no document
 * @throws {GatewayError} `invalid_form`, and for what the field holds `invalid_json` or `json_too_complex`
 */
export async function readMultipartForm(
  body: EventBody,
  headers: Headers,
  field: string | undefined,
  limits: DocumentLimits,
): Promise<EventBody> {
  const form = await parseMultipart(body, headers.get("content-type") ?? "");
  const values = form.getAll(field ?? "").filter((value) => typeof value === "string");
  return finish(documentIn(values, limits));
}

async function parseMultipart(body: EventBody, contentType: string): Promise<FormData> {
  try {
    return await new Response(body.bytes, { headers: { "content-type": contentType } }).formData();
  } catch (cause) {
    throw new GatewayError("invalid_form", "The form in parts cannot be read", { cause });
  }
}

/** Whether a Content-Type is that of a form. @param isMultipart of one in parts */
export function isForm(contentType: string | null, isMultipart = false): boolean {
  const type = contentType?.split(";", 1)[0];
  return type?.trim().toLowerCase() === (isMultipart ? MULTIPART : MEDIA_TYPE);
}

/** A byte order mark is a character like others in forms. */
const STRICT = { fatal: true, ignoreBOM: true };

const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", STRICT);
const latin1 = new TextDecoder("latin1");

function decoderFor(contentType: string | null): TextDecoder {
  const charset = foreignCharset(contentType);
  if (charset === undefined) return utf8;
  try {
    const decoder = new TextDecoder(charset, STRICT);
    if (!WITHOUT_ASCII.has(decoder.encoding)) return decoder;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new GatewayError("unsupported_charset");
}

/** Where the parts of fields stand in a form whose escapes were undone. */
interface FieldBounds {
  readonly start: number;
  /** Where the name ends, and the value begins. */
  readonly nameEnd: number;
  readonly end: number;
}

function* parseForm(bytes: Uint8Array, decoder: TextDecoder): Steps<Fields> {
  const unescaped = new Uint8Array(bytes.length);
  const bounds = yield* unescape(bytes, unescaped);
  // Where each byte is a character, one look at all of them is many times cheaper than one at each part.
  const text = isAscii(unescaped) ? latin1.decode(unescaped) : undefined;
  const part = (start: number, end: number) =>
    text === undefined ? decodeStrictly(unescaped.subarray(start, end), decoder) : text.slice(start, end);
  const fields: Fields = new Map();
  for (const { start, nameEnd, end } of bounds) {
    const name = part(start, nameEnd);
    const value = part(nameEnd, end);
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
    yield;
  }
  return fields;
}

/** Undoes escapes in one pass, with the signs between the parts left out. A `%` without two digits stands for itself. */
function* unescape(bytes: Uint8Array, unescaped: Uint8Array): Steps<FieldBounds[]> {
  const bounds: FieldBounds[] = [];
  let length = 0;
  let start = 0;
  let nameEnd = -1;
  const endField = () => {
    if (length > start || nameEnd !== -1) {
      bounds.push({ start, nameEnd: nameEnd === -1 ? length : nameEnd, end: length });
    }
    if (bounds.length > MAX_FIELDS) {
      throw new GatewayError("invalid_form", `The form has more than ${MAX_FIELDS} fields`);
    }
    start = length;
    nameEnd = -1;
  };
  let paused = 0;
  for (let index = 0; index < bytes.length; index++) {
    if (index - paused >= PIECE) {
      paused = index;
      yield;
    }
    const byte = bytes[index]!;
    if (byte === AMPERSAND) endField();
    else if (byte === EQUALS && nameEnd === -1) nameEnd = length;
    else if (byte === PLUS) unescaped[length++] = SPACE;
    else if (byte === PERCENT) {
      const value = hexByte(bytes[index + 1], bytes[index + 2]);
      if (value >= 0) index += 2;
      unescaped[length++] = value >= 0 ? value : PERCENT;
    } else unescaped[length++] = byte;
  }
  endField();
  return bounds;
}

function decodeStrictly(bytes: Uint8Array, decoder: TextDecoder): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const message = `The form is not text in ${decoder.encoding}`;
    throw new GatewayError("invalid_form", message, { cause });
  }
}

/** The value of two hexadecimal digits; negative when they are none. */
function hexByte(high = 0, low = 0): number {
  const first = hexDigit(high);
  const second = hexDigit(low);
  return first < 0 || second < 0 ? -1 : first * 16 + second;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Written by hand: an object of JavaScript would sort numeric names to the front, and treat `__proto__` apart. */
function* toObject(fields: Fields, limit: number): Steps<EventBody> {
  const document = new DocumentWriter(Math.max(limit * MAX_GROWTH, ANY_GROWTH));
  let before = "{";
  for (const [name, values] of fields) {
    document.write(before);
    before = ",";
    yield* document.writeString(name);
    const isList = values.length > 1;
    document.write(isList ? ":[" : ":");
    for (const [index, value] of values.entries()) {
      if (index > 0) document.write(",");
      yield* document.writeString(value);
    }
    if (isList) document.write("]");
  }
  document.write(fields.size === 0 ? "{}" : "}");
  return yield* document.finish();
}

/** Writes a JSON document: a short one as text, since most outputs read that, a long one as bytes. */
class DocumentWriter {
  readonly #limit: number;
  #characters = 0;
  /** What is not among the bytes yet. */
  #text = "";
  #bytes: GrowingBytes | undefined;

  /** @param limit of the document, in UTF-16 code units */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws {GatewayError} `body_too_large` past the limit */
  write(json: string): void {
    this.#characters += json.length;
    if (this.#characters > this.#limit) throw tooLong();
    this.#text += json;
    if (this.#text.length >= PIECE) this.#flush(this.#bytes ??= new GrowingBytes());
  }

  *writeString(text: string): Steps<void> {
    this.write('"');
    for (let start = 0; start < text.length;) {
      const end = endOfPiece(text, start);
      this.write(JSON.stringify(text.slice(start, end)).slice(1, -1));
      start = end;
      yield;
    }
    this.write('"');
  }

  *finish(): Steps<EventBody> {
    if (this.#bytes === undefined) return EventBody.fromText(this.#text);
    this.#flush(this.#bytes);
    return EventBody.fromBytes(yield* this.#bytes.take());
  }

  #flush(bytes: GrowingBytes): void {
    bytes.appendText(this.#text);
    this.#text = "";
  }
}

/** Where the piece of a text ends that begins at `start`: not within a character. */
function endOfPiece(text: string, start: number): number {
  const end = start + PIECE;
  if (end >= text.length) return text.length;
  return (text.codePointAt(end - 1) ?? 0) > LAST_OF_BASIC_PLANE ? end + 1 : end;
}

function tooLong(): GatewayError {
  const reason = "The form is much longer as a JSON document than a form may be";
  return new GatewayError("body_too_large", undefined, { reason });
}

function* documentIn(
  values: readonly string[] | undefined,
  limits: DocumentLimits,
): Steps<EventBody> {
  const [text, ...others] = values ?? [];
  if (text === undefined) {
    throw new GatewayError("invalid_form", "The field of the form that holds the event is missing");
  }
  if (others.length > 0) {
    throw new GatewayError("invalid_form", "The field of the form that holds the event is repeated");
  }
  const document = documentOf(text);
  const verdict = yield* document.judgeJsonInPieces(limits);
  if (verdict === "json") return document;
  if (verdict === "too_complex") throw tooComplex("The field of the form", limits);
  const reason = describeJsonError(text.slice(0, SEARCHED + 1), "The field of the form");
  const message = "The field of the form that holds the event is not valid JSON";
  throw new GatewayError("invalid_json", message, { reason });
}

/** A long document as bytes, and a short one as a text that does not keep all of a large form in memory. */
function documentOf(text: string): EventBody {
  const bytes = encoder.encode(text);
  return bytes.byteLength > PIECE ? EventBody.fromBytes(bytes) : EventBody.fromText(utf8.decode(bytes));
}
