/**
 * Requests for fuzzing, and what must not come of any.
 *
 * @module
 */

import type { ArrivingRequest, SocketlessGateway } from "../support/socketless_gateway.ts";
import type { FuzzInput } from "./subject.ts";

/** Reasons that a verifier has when it threw: a request was refused because of a bug. */
const BUG = /^A verifier failed/;

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** Headers as a server takes them in: without names that are none, and values as bytes without NUL, CR and LF. */
export function headersOf(list: Iterable<readonly [name: string, value: string]>): Headers {
  const headers = new Headers();
  for (const [name, value] of list) {
    if (HEADER_NAME.test(name)) headers.append(name, value.replaceAll(/[\0\r\n]|[^\0-\xff]/g, "?"));
  }
  return headers;
}

/** What the gateway answered. */
export interface FuzzAnswer {
  readonly status: number;
  /** `accepted`, the error's code, or the status of an answer of another form. */
  readonly outcome: string;
}

/** An input that is a request. */
export class FuzzRequest implements FuzzInput {
  readonly #gateway: SocketlessGateway;
  readonly #request: ArrivingRequest;
  readonly #judge: (answer: FuzzAnswer) => void;

  /** @param judge throws when the answer is one that the request must not get */
  constructor(
    gateway: SocketlessGateway,
    request: ArrivingRequest,
    judge: (answer: FuzzAnswer) => void = () => {},
  ) {
    this.#gateway = gateway;
    this.#request = request;
    this.#judge = judge;
  }

  async run(): Promise<string> {
    const answer = await this.#answer();
    if (answer.status === 500) throw new Error(`Answered with 500 ${answer.outcome}`);
    if (answer.outcome === "unauthorized") this.#requireReason();
    this.#judge(answer);
    return `${answer.status} ${answer.outcome}`;
  }

  describe(): string {
    const { method, url, headers, body } = this.#request;
    const text = body === undefined
      ? "no body"
      : `${body.length} bytes ${body.subarray(0, 4_000).toBase64()}`;
    return JSON.stringify([method, url, [...headers], text]);
  }

  async #answer(): Promise<FuzzAnswer> {
    const response = await this.#gateway.handle(this.#request);
    const { status } = response;
    if (response.headers.get("content-type") !== "application/json") {
      await response.body?.cancel();
      return { status, outcome: "" };
    }
    return { status, outcome: outcomeOf(await response.text()) };
  }

  #requireReason(): void {
    const path = /^[^/]*\/\/[^/]*\/webhook\/([^?]*)/.exec(this.#request.url)?.[1] ?? "";
    const reason = this.#gateway.lastRefusal(path.includes("/") ? path : `default/${path}`);
    if (reason !== undefined && BUG.test(reason)) throw new Error("A verifier threw");
  }
}

function outcomeOf(text: string): string {
  const { event_id, error } = JSON.parse(text) as {
    readonly event_id?: string;
    readonly error?: { readonly code: string };
  };
  return event_id === undefined ? error?.code ?? "" : "accepted";
}
