/**
 * The head of an HTTP/1.1 answer: read strictly, since what two programs read differently is how answers are smuggled
 * (RFC 9112, section 11.2).
 *
 * @module
 */

import type { IncomingHttpHeaders } from "node:http";
import { HEADER_NAME, HEADER_VALUE } from "../../schema/header_names.ts";

/** How the body of an answer ends (RFC 9112, section 6.3). */
export type BodyEnd =
  | { readonly by: "length"; readonly length: number }
  | { readonly by: "chunks" }
  /** With the connection. */
  | { readonly by: "close" };

/** What the head of an answer says. */
export interface AnswerHead {
  readonly status: number;
  /** Names are in lower case; as `node:http` has them, a name that comes again is joined or ignored. */
  readonly headers: IncomingHttpHeaders;
  readonly bodyEnd: BodyEnd;
  /** How long the server keeps the connection at most, in milliseconds; 0 where it closes it. */
  readonly keptMs: number;
}

/** Something answered, but not in HTTP/1.1. Nothing more of its connection can be understood. */
export class MalformedAnswerError extends Error {
  override readonly name = "MalformedAnswerError";

  /** @param code begins with `HPE_`, as those of the parser of `node:http` */
  constructor(readonly code: `HPE_${string}`, message: string) {
    super(message);
  }
}

const DIGITS = /^[0-9]{1,15}$/;

/** Headers of which only the first counts; others that come again are lists. */
const SINGLE = new Set([
  "age",
  "content-type",
  "etag",
  "expires",
  "last-modified",
  "location",
  "retry-after",
  "server",
]);

const NO_BODY: BodyEnd = { by: "length", length: 0 };

/** A server that says how long it keeps a connection is not believed to the last second, in milliseconds. */
const KEPT_MARGIN_MS = 1_000;

/**
 * Reads a head.
 *
 * @param text from the first character of the status line to before the empty line, a character a byte
 * @throws {MalformedAnswerError}
 */
export function parseAnswerHead(text: string): AnswerHead {
  const lines = text.split("\r\n");
  const { status, isPersistent } = parseStatusLine(lines[0]!);
  const headers: IncomingHttpHeaders = Object.create(null);
  for (let at = 1; at < lines.length; at++) addHeader(headers, lines[at]!);
  const bodyEnd = bodyEndOf(status, headers);
  const keptMs = bodyEnd.by === "close" ? 0 : keptMsOf(headers, isPersistent);
  return { status, headers, bodyEnd, keptMs };
}

/** @param isPersistent whether the connection outlasts the answer unless that says otherwise */
function parseStatusLine(line: string): { readonly status: number; readonly isPersistent: boolean } {
  if (!line.startsWith("HTTP/")) throw new MalformedAnswerError("HPE_INVALID_CONSTANT", "Expected HTTP/");
  const version = line.slice(5, 8);
  // Some proxies name the version that they speak with another server.
  if (version !== "1.1" && version !== "1.0" && version !== "2.0") {
    throw new MalformedAnswerError("HPE_INVALID_VERSION", "Invalid HTTP version");
  }
  const digits = line.slice(9, 12);
  const status = Number(digits);
  const isStatus = line[8] === " " && /^[1-9][0-9]{2}$/.test(digits) &&
    (line.length === 12 || line[12] === " ");
  if (!isStatus) throw new MalformedAnswerError("HPE_INVALID_STATUS", "Invalid status code");
  if (!HEADER_VALUE.test(line)) {
    throw new MalformedAnswerError("HPE_CR_EXPECTED", "Invalid character in status line");
  }
  return { status, isPersistent: version !== "1.0" };
}

function addHeader(headers: IncomingHttpHeaders, line: string): void {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon).toLowerCase();
  if (colon < 1 || !HEADER_NAME.test(name)) {
    throw new MalformedAnswerError("HPE_INVALID_HEADER_TOKEN", "Invalid header name");
  }
  const value = withoutOuterSpace(line, colon + 1);
  if (!HEADER_VALUE.test(value)) {
    throw new MalformedAnswerError("HPE_INVALID_HEADER_TOKEN", "Invalid character in a header's value");
  }
  if (name === "set-cookie") {
    (headers["set-cookie"] ??= []).push(value);
    return;
  }
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (name === "content-length") {
    throw new MalformedAnswerError("HPE_UNEXPECTED_CONTENT_LENGTH", "Duplicate Content-Length");
  } else if (!SINGLE.has(name)) headers[name] = `${before}, ${value}`;
}

/** The rest of a line without the spaces and tabs around it: `trim` takes characters away that belong to values. */
function withoutOuterSpace(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isSpace(line.charCodeAt(start))) start++;
  while (end > start && isSpace(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function bodyEndOf(status: number, headers: IncomingHttpHeaders): BodyEnd {
  const length = headers["content-length"];
  const coding = headers["transfer-encoding"];
  if (length !== undefined) {
    if (!DIGITS.test(length)) {
      throw new MalformedAnswerError("HPE_INVALID_CONTENT_LENGTH", "Invalid Content-Length");
    }
    if (coding !== undefined) {
      throw new MalformedAnswerError(
        "HPE_INVALID_TRANSFER_ENCODING",
        "Transfer-Encoding can't be present with Content-Length",
      );
    }
  }
  if (status < 200 || status === 204 || status === 304) return NO_BODY;
  if (coding !== undefined) return tokensOf(coding).at(-1) === "chunked" ? { by: "chunks" } : { by: "close" };
  return length === undefined ? { by: "close" } : { by: "length", length: Number(length) };
}

function keptMsOf(headers: IncomingHttpHeaders, isPersistent: boolean): number {
  const { connection } = headers;
  const tokens = connection === undefined ? [] : tokensOf(connection);
  if (tokens.includes("close") || !(isPersistent || tokens.includes("keep-alive"))) return 0;
  const hint = /(?:^|[,;\s])timeout=([0-9]{1,9})/i.exec(String(headers["keep-alive"] ?? ""))?.[1];
  return hint === undefined ? Infinity : Math.max(0, Number(hint) * 1000 - KEPT_MARGIN_MS);
}

function tokensOf(list: string): string[] {
  return list.toLowerCase().split(",").map((token) => token.trim());
}
