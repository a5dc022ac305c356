/**
 * The request of a case, as its sender would send it.
 *
 * @module
 */

import { dirname, resolve } from "@std/path";
import { readFileContent } from "../../config/values/json_file.ts";
import { canonicalText } from "./exact_json.ts";
import type { CaseRequest } from "./case_file.ts";

/** Where requests arrive; only what signs the URL could tell. */
const ORIGIN = "http://localhost:8000";

/** A request before it is sent. */
export interface PreparedRequest {
  readonly method: string;
  /** As the gateway sees it. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What a case asks for that cannot be done: a sentence for its author. */
export class UnusableCaseError extends Error {
  override readonly name = "UnusableCaseError";
}

/**
 * Puts a request together, without what signs it.
 *
 * @param file the file of cases, from whose folder on other files are named
 * @throws {UnusableCaseError} when the file of its body cannot be read
 */
export async function prepareRequest(request: CaseRequest, file: string): Promise<PreparedRequest> {
  const { method, webhook, path = `/webhook/${webhook}`, query } = request;
  const { type, bytes } = await bodyOf(request, file);
  const given = lowerCased(request.headers);
  return {
    method,
    url: ORIGIN + path + (query === undefined ? "" : `${path.includes("?") ? "&" : "?"}${query}`),
    headers: { host: new URL(ORIGIN).host, ...type === undefined ? {} : { "content-type": type }, ...given },
    body: bytes,
  };
}

/** The request as the gateway's server would hand it over. @throws {UnusableCaseError} when there is none like it */
export function toRequest({ method, url, headers, body }: PreparedRequest): Request {
  const isBare = body.length === 0;
  try {
    return new Request(url, {
      method,
      headers: { ...headers, ...isBare ? {} : { "content-length": String(body.length) } },
      ...isBare ? {} : { body },
    });
  } catch (error) {
    throw new UnusableCaseError(`The request cannot be sent: ${(error as Error).message}`, { cause: error });
  }
}

/** Of names that differ in case only, the last one counts. */
export function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

interface Body {
  readonly type: string | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

async function bodyOf(request: CaseRequest, file: string): Promise<Body> {
  const encoder = new TextEncoder();
  if ("json" in request) {
    return { type: "application/json", bytes: encoder.encode(compact(request.json)) };
  }
  if (request.text !== undefined) {
    return { type: "text/plain; charset=utf-8", bytes: encoder.encode(request.text) };
  }
  if (request.base64 !== undefined) {
    return { type: "application/octet-stream", bytes: Uint8Array.fromBase64(request.base64) };
  }
  if (request.form !== undefined) {
    const form = new URLSearchParams(request.form).toString();
    return { type: "application/x-www-form-urlencoded", bytes: encoder.encode(form) };
  }
  if (request.file === undefined) return { type: undefined, bytes: new Uint8Array() };
  const path = resolve(dirname(file), request.file);
  const content = await readFileContent(path);
  if ("problem" in content) throw new UnusableCaseError(`${path}: ${content.problem.message}`);
  return {
    type: path.endsWith(".json") ? "application/json" : "application/octet-stream",
    bytes: content.bytes,
  };
}

/** JSON in the order in which it was written. */
function compact(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return canonicalText(value);
  if (Array.isArray(value)) return `[${value.map(compact).join(",")}]`;
  const members = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}:${compact(each)}`);
  return `{${members.join(",")}}`;
}
