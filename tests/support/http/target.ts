/** A real HTTP server for outputs to deliver to. It records what arrives and answers as it is told. */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { eventually } from "../eventually.ts";

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
 * What becomes of a request: a reply, no reply ever (`hang`), or a connection that breaks (`drop`), both
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
export class HttpTarget implements AsyncDisposable {
  /** Every request so far, in the order in which their bodies were complete. */
  readonly requests: RecordedRequest[] = [];
  readonly #server: Server;
  readonly #next: Answer[] = [];
  #otherwise: Answer = { status: 200 };

  private constructor() {
    this.#server = createServer((request, response) => {
      // A request that breaks off is not recorded; a response to a client that left goes nowhere.
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
  }

  static async start(): Promise<HttpTarget> {
    const target = new HttpTarget();
    target.#server.listen(0, "127.0.0.1");
    await once(target.#server, "listening");
    return target;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:<port>` */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Sets the answer to every request that `answerNext` says nothing about. */
  answer(answer: Answer): void {
    this.#otherwise = answer;
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

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const body = new Uint8Array(Buffer.concat(chunks));
    this.requests.push({
      method: request.method ?? "",
      target: request.url ?? "",
      headers: headersOf(request),
      body,
      text: new TextDecoder().decode(body),
    });
    const answer = this.#next.shift() ?? this.#otherwise;
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
