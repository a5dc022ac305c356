/** A real HTTP server for outputs to deliver to. It records what arrives and answers as it is told. */

import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { eventually } from "../eventually.ts";
import { LocalServer } from "./local_server.ts";

/** One request as it arrived, with the whole of its body. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Names in lower case; repeated headers are joined as the Fetch standard says. */
  readonly headers: Headers;
  /** The exact bytes, after the framing was removed. */
  readonly body: Uint8Array;
  /** The body as UTF-8. */
  readonly text: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Holds the reply back until this resolves. */
  readonly after?: Promise<unknown>;
}

/**
 * How a request ends: with a reply, no reply ever (`hang`), or a connection that breaks (`drop`), both
 * after the whole request was read.
 */
export type Answer = Reply | "hang" | "drop";

/** A reply that sends the client elsewhere. */
export function redirectTo(location: string, status: 301 | 302 | 303 | 307 | 308 = 302): Reply {
  return { status, headers: { location } };
}

/**
 * An HTTP server on a free port of 127.0.0.1, which answers 200 until told otherwise.
 *
 *     await using target = await HttpTarget.start();
 *     target.answerNext({ status: 503, headers: { "retry-after": "1" } }, "drop");
 *     const [first, second, third] = await target.waitForRequests(3);
 */
export class HttpTarget extends LocalServer {
  /** Every request so far, in the order in which their bodies were complete. */
  readonly requests: RecordedRequest[] = [];
  readonly #next: Answer[] = [];
  #otherwise: (request: RecordedRequest) => Answer = () => ({ status: 200 });

  static start(): Promise<HttpTarget> {
    return new HttpTarget().listen();
  }

  /** Sets the answer to every request that `answerNext` says nothing about. */
  answer(answer: Answer | ((request: RecordedRequest) => Answer)): void {
    this.#otherwise = typeof answer === "function" ? answer : () => answer;
  }

  /** Adds answers for the next requests, one each, in this order. */
  answerNext(...answers: readonly Answer[]): void {
    this.#next.push(...answers);
  }

  /**
   * Waits until that many requests have arrived since the start, and returns all of them.
   *
   * @throws {Error} when they do not arrive in time; `timeoutMs` is 10000 unless given
   */
  waitForRequests(
    count: number,
    { timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {},
  ): Promise<readonly RecordedRequest[]> {
    return eventually(() => {
      const { length } = this.requests;
      if (length < count) throw new Error(`Expected ${count} requests within ${timeoutMs} ms, got ${length}`);
      return this.requests;
    }, { timeoutMs });
  }

  protected override async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const body = new Uint8Array(Buffer.concat(chunks));
    const recorded = {
      method: request.method ?? "",
      target: request.url ?? "",
      headers: headersOf(request),
      body,
      text: new TextDecoder().decode(body),
    };
    this.requests.push(recorded);
    const answer = this.#next.shift() ?? this.#otherwise(recorded);
    if (answer === "hang") return;
    if (answer === "drop") {
      request.socket.destroy();
      return;
    }
    await answer.after;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }
}

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    headers.append(request.rawHeaders[index]!, request.rawHeaders[index + 1]!);
  }
  return headers;
}
