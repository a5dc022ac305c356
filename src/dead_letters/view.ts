/**
 * Dead letters as JSON, for the admin routes and the command line.
 *
 * @module
 */

import type { Event } from "../event/event.ts";
import { isCredentialHeader } from "../event/header_policy.ts";
import { REDACTED } from "../observability/redaction.ts";
import type { DeadLetter, DeadLetterSummary } from "./dead_letters.ts";

/** A dead letter in a list. */
export interface DeadLetterRow {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly connection: string;
  readonly reason: string;
  readonly message: string;
  readonly attempts: number;
  readonly received_at: string;
  readonly died_at: string;
  readonly bytes: number;
}

/** What an event says. */
export interface EventContents {
  /** What its sender calls the event; `undefined` where that is not known. */
  readonly event_type?: string | undefined;
  /** Without the values of credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text; `undefined` where it is not UTF-8. */
  readonly body?: string;
  /** The body in base64, where it is not UTF-8. */
  readonly body_base64?: string;
}

/** A dead letter with its event. */
export interface DeadLetterDetail extends DeadLetterRow, EventContents {}

/** The row of a dead letter. */
export function deadLetterRow(letter: DeadLetterSummary): DeadLetterRow {
  return {
    id: letter.id,
    namespace: letter.namespace,
    webhook: letter.webhook,
    connection: letter.connection,
    reason: letter.reason,
    message: letter.message,
    attempts: letter.attempts,
    received_at: new Date(letter.receivedAt).toISOString(),
    died_at: new Date(letter.diedAt).toISOString(),
    bytes: letter.bytes,
  };
}

/** The dead letter with its headers and body. */
export function deadLetterDetail(letter: DeadLetter): DeadLetterDetail {
  return { ...deadLetterRow(letter), ...eventContents(letter.event) };
}

/** The type, the headers and the body of an event. */
export function eventContents({ type, headers: received, body: { bytes } }: Event): EventContents {
  const headers = Object.fromEntries(
    [...received].map(([name, value]) => [name, isCredentialHeader(name) ? REDACTED : value]),
  );
  const beginning = { ...(type === undefined ? {} : { event_type: type }), headers };
  try {
    const body = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { ...beginning, body };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { ...beginning, body_base64: bytes.toBase64() };
  }
}
