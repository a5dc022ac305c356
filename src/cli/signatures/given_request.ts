/**
 * Requests as people have them: as they went over the wire, as JSON, or in parts.
 *
 * @module
 */

import { z } from "zod";
import { type CapturedRequest, capturedSchema } from "./captured.ts";

/** A request, and what was noticed while it was read. */
export interface GivenRequest {
  readonly request: CapturedRequest;
  readonly notes: readonly string[];
  /** The URL that was put together from the request; `undefined` where one was given. */
  readonly assumedUrl?: string;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** What of a request was given apart from it; it counts more than what the request says. */
export interface RequestParts {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const jsonSchema = z.looseObject({
  method: z.string().optional(),
  url: z.string().optional(),
  headers: z.unknown(),
  bodyBase64: z.string().optional(),
  body: z.string().optional(),
});

/**
 * A request from its text: as HTTP has it (RFC 9112), or a JSON object with `method`, `url`, `headers` and `bodyBase64`
 * or `body`.
 *
 * @returns in one sentence what is wrong where it is neither
 */
export function readRequest(bytes: Bytes, parts: RequestParts): GivenRequest | string {
  const start = new TextDecoder().decode(bytes.subarray(0, 1024)).trimStart();
  return start.startsWith("{") ? fromJson(bytes, parts) : fromWire(bytes, parts);
}

/** A request from lines of headers, as `curl -D` and `cwm sign` write them, and its body. */
export function requestFrom(
  lines: readonly string[],
  body: Bytes,
  { method = "POST", url = "http://localhost/" }: RequestParts,
): GivenRequest | string {
  const headers = headersOf(lines);
  return typeof headers === "string" ? headers : captured({ method, url, headers, body }, []);
}

function fromJson(bytes: Bytes, parts: RequestParts): GivenRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    return `The request begins like JSON and is none: ${(error as Error).message}`;
  }
  const { request: inside } = value as { readonly request?: unknown };
  const parsed = jsonSchema.safeParse(inside ?? value);
  if (!parsed.success) return z.prettifyError(parsed.error);
  const { method, url, headers = {}, bodyBase64, body } = parsed.data;
  return judged({
    method: parts.method ?? method,
    url: parts.url ?? url ?? "http://localhost/",
    headers,
    bodyBase64: bodyBase64 ?? new TextEncoder().encode(body ?? "").toBase64(),
  }, []);
}

function fromWire(bytes: Bytes, parts: RequestParts): GivenRequest | string {
  const { head, body } = split(bytes);
  const lines = head.split(/\r?\n/);
  const pseudo = new Map(lines.flatMap((line): [string, string][] => {
    const [, name, value] = /^(:\w+): *(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value!]];
  }));
  const rest = lines.filter((line) => !line.startsWith(":"));
  const [, method, target] = /^([A-Za-z]+) (\S+)(?: HTTP\/[\d.]+)?$/.exec(rest[0] ?? "") ?? [];
  const headers = headersOf(method === undefined ? rest : rest.slice(1));
  if (typeof headers === "string") return headers;
  const host = headers.find(([name]) => name.toLowerCase() === "host")?.[1] ?? pseudo.get(":authority");
  const path = target ?? pseudo.get(":path") ?? "/";
  const url = /^https?:/.test(path) ? path : `https://${host ?? "localhost"}${path}`;
  const { bytes: exact, notes } = cutBody(body, headers);
  const given = captured({
    method: parts.method ?? method ?? pseudo.get(":method") ?? "POST",
    url: parts.url ?? url,
    headers,
    body: exact,
  }, notes);
  return typeof given === "string" || parts.url !== undefined || url === path
    ? given
    : { ...given, assumedUrl: url };
}

/** The head and what follows the empty line behind it. */
function split(bytes: Bytes): { readonly head: string; readonly body: Bytes } {
  let at = bytes.indexOf(LINE_FEED);
  while (at !== -1) {
    const after = bytes[at + 1] === CARRIAGE_RETURN ? at + 2 : at + 1;
    if (bytes[after] === LINE_FEED) {
      const head = new TextDecoder().decode(bytes.subarray(0, at)).trimEnd();
      return { head, body: bytes.slice(after + 1) };
    }
    at = bytes.indexOf(LINE_FEED, at + 1);
  }
  return { head: new TextDecoder().decode(bytes).trimEnd(), body: new Uint8Array() };
}

function headersOf(lines: readonly string[]): readonly (readonly [string, string])[] | string {
  const headers: [string, string][] = [];
  for (const line of lines) {
    if (line.trim() === "" || /^HTTP\/[\d.]+ /.test(line)) continue;
    const [, name, value] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined) {
      return `A line of the head is no header, as Name: value: ${JSON.stringify(line.slice(0, 40))}`;
    }
    headers.push([name, value!]);
  }
  return headers;
}

/** As long as Content-Length says: editors add a line feed at the end. */
function cutBody(
  body: Bytes,
  headers: readonly (readonly [string, string])[],
): { readonly bytes: Bytes; readonly notes: readonly string[] } {
  const text = headers.find(([name]) => name.toLowerCase() === "content-length")?.[1];
  const length = text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  if (length === undefined || length === body.length) return { bytes: body, notes: [] };
  if (length > body.length) {
    return { bytes: body, notes: [`The body has ${body.length} bytes, and Content-Length says ${length}`] };
  }
  const notes = [
    `What follows the ${length} bytes of Content-Length is left out: ${body.length - length} bytes`,
  ];
  return { bytes: body.slice(0, length), notes };
}

interface Parts {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Bytes;
}

function captured({ method, url, headers, body }: Parts, notes: readonly string[]): GivenRequest | string {
  const values = Map.groupBy(headers, ([name]) => name.toLowerCase());
  const joined = [...values].map(([name, pairs]) => [name, pairs.map(([, value]) => value)]);
  return judged({ method, url, headers: Object.fromEntries(joined), bodyBase64: body.toBase64() }, notes);
}

function judged(given: unknown, notes: readonly string[]): GivenRequest | string {
  const parsed = capturedSchema.safeParse(given);
  return parsed.success ? { request: parsed.data, notes } : z.prettifyError(parsed.error);
}
