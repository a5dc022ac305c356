/**
 * Sends events of a replay to a URL.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { forEachEventHeader } from "../../event/event_headers.ts";
import { EventBody } from "../../event/event.ts";
import { exchange, type ExchangeOptions, NoAnswerError, type WholeAnswer } from "../../io/http_exchange.ts";
import { parseRetryAfter } from "../../io/retry_after.ts";
import type { RecordRow } from "../../records/view.ts";
import type { HttpAddress } from "../../schema/addresses.ts";
import { backoffBoundMs } from "../../time/backoff.ts";

/** How long one request may take, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** Longest answer that is read, in bytes: only its status counts. */
const MAX_ANSWER_BYTES = 1024 * 1024;

const ATTEMPTS = 4;
const PAUSES = { initialMs: 500, maxMs: 4_000 };

/** Longest pause that `Retry-After` can ask for, in milliseconds. */
const MAX_ASKED_PAUSE_MS = 60_000;

/** Answers of a server that may take the event a little later. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Sends an event by POST, up to 4 times while its failure may pass, and not before `Retry-After` allows for it.
 *
 * @param stop ends the pauses between attempts
 * @returns why it was not taken; `undefined` when it was, with 2xx
 */
export async function sendEvent(
  address: HttpAddress,
  row: RecordRow,
  stop: AbortSignal,
): Promise<string | undefined> {
  const body = bodyOf(row);
  const request = requestOf(address, row, body);
  for (let attempt = 1;; attempt++) {
    const answer = await tryOnce(request, body);
    const failure = typeof answer === "string" ? answer : `answered ${answer.status}`;
    if (typeof answer !== "string" && answer.status >= 200 && answer.status < 300) return undefined;
    const mayPass = typeof answer === "string" || PASSING.has(answer.status);
    if (!mayPass || attempt === ATTEMPTS || stop.aborted) return failure;
    const pauseMs = Math.max(backoffBoundMs(PAUSES, attempt), askedPauseMs(answer));
    await sleep(pauseMs, undefined, { signal: stop }).catch(() => {});
  }
}

function askedPauseMs(answer: WholeAnswer | string): number {
  if (typeof answer === "string") return 0;
  const seconds = parseRetryAfter(answer.headers["retry-after"], Date.now()) ?? 0;
  return Math.min(seconds * 1000, MAX_ASKED_PAUSE_MS);
}

async function tryOnce(request: ExchangeOptions, body: Uint8Array): Promise<WholeAnswer | string> {
  try {
    return await exchange(request, body, MAX_ANSWER_BYTES, AbortSignal.timeout(TIMEOUT_MS));
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    return `cannot be reached: ${error.message}`;
  }
}

function requestOf(address: HttpAddress, row: RecordRow, body: Uint8Array<ArrayBuffer>): ExchangeOptions {
  const headers: Record<string, string> = {};
  const event = {
    id: row.id,
    namespace: row.namespace,
    webhook: row.webhook,
    receivedAt: Date.parse(row.received_at),
    headers: new Headers({ ...row.headers }),
    body: EventBody.fromBytes(body),
    ...(row.event_type === undefined ? {} : { type: row.event_type }),
  };
  forEachEventHeader(event, (name, value) => headers[name] = value);
  return {
    protocol: address.protocol,
    host: address.hostname,
    port: address.port,
    method: "POST",
    path: address.path,
    headers: { ...headers, "content-length": String(body.length) },
    agent: false,
  };
}

function bodyOf({ body = "", body_base64: base64 }: RecordRow): Uint8Array<ArrayBuffer> {
  return base64 === undefined ? new TextEncoder().encode(body) : Uint8Array.fromBase64(base64);
}
