/**
 * What services of AWS say when they refuse a request: each of their protocols names errors in its own place.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import { parseHttpDate, parseRetryAfter } from "../../io/retry_after.ts";

/** A refused request, as data. */
export interface AwsRefusal {
  readonly status: number;
  /**
   * The error's name, such as `NoSuchBucket` or `QueueDoesNotExist`, without what stands around it; `undefined` where the
   * answer names none, as pages of proxies and answers to `HEAD` do.
   */
  readonly code: string | undefined;
  /** How long the service wants to be left alone, in seconds, if it says so. */
  readonly retryAfterSeconds: number | undefined;
  /** How far the clock of this machine is ahead of that of the service, in seconds, if its answer has a date. */
  readonly aheadSeconds: number | undefined;
}

/** An answer. */
export interface AwsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** Codes of errors, longer ones are none. */
const CODE = /^[A-Za-z][A-Za-z0-9._-]{0,127}$/;

/** What an answer that is no success says. @param nowMs the time, in milliseconds since 1970 */
export function readRefusal({ status, headers, body }: AwsAnswer, nowMs: number = Date.now()): AwsRefusal {
  const dateMs = headers.date === undefined ? NaN : parseHttpDate(headers.date, nowMs);
  return {
    status,
    code: codeIn(headers, body),
    retryAfterSeconds: parseRetryAfter(headers["retry-after"], nowMs),
    aheadSeconds: Number.isNaN(dateMs) ? undefined : Math.round((nowMs - dateMs) / 1000),
  };
}

/**
 * The code of an error: `__type` of a document of JSON behind its `#`, the header `x-amzn-errortype` before its colon,
 * `x-amzn-query-error` before its semicolon, or `Code` of an XML document.
 */
function codeIn(headers: IncomingHttpHeaders, body: Uint8Array): string | undefined {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  const candidates = [
    typeIn(text),
    textOf(headers["x-amzn-errortype"])?.split(":", 1)[0],
    textOf(headers["x-amzn-query-error"])?.split(";", 1)[0],
    /<Code>\s*([^<\s]+)\s*<\/Code>/.exec(text)?.[1],
  ];
  return candidates.map((candidate) => candidate?.split("#").at(-1)).find((code) =>
    code !== undefined && CODE.test(code)
  );
}

function typeIn(text: string): string | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { __type: type } = JSON.parse(text) as { readonly __type?: unknown };
    return typeof type === "string" ? type : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
