/** An HTTP proxy in front of a real server, which records requests and lets answers get lost. */

import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { eventually } from "../eventually.ts";
import { LocalServer } from "./local_server.ts";

/** One request as it was passed on. */
export interface PassedRequest {
  /** Path and query as sent. */
  readonly target: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body as UTF-8. */
  readonly text: string;
}

/** What the server answers. */
export interface PassedAnswer {
  readonly status: number;
  readonly text: string;
  /** Those by which clients know the server. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Changes on the way. */
export interface Alterations {
  /** @default the request's own target */
  target?(request: PassedRequest): string;
  /** @default the server's own answer */
  answer?(request: PassedRequest, answer: PassedAnswer): PassedAnswer;
  /** The answer to a request that the server does not get. @default none: it gets all */
  instead?(request: PassedRequest): PassedAnswer | undefined;
}

/**
 * A recording proxy.
 *
 *     await using recorder = await HttpRecorder.start(server.port);
 *     recorder.loseAnswers((request) => request.target.includes("INSERT"), 1);
 *     // The server executes the next insert, and the client sees the connection break.
 */
export class HttpRecorder extends LocalServer {
  /** Every request so far, in the order in which the server has answered them. */
  readonly requests: PassedRequest[] = [];
  readonly #targetPort: number;
  readonly #alterations: Alterations;
  #loses: (request: PassedRequest) => boolean = () => false;
  #losses = 0;
  #holds: (request: PassedRequest) => boolean = () => false;
  #held: PromiseWithResolvers<void> | undefined;

  private constructor(targetPort: number, alterations: Alterations) {
    super();
    this.#targetPort = targetPort;
    this.#alterations = alterations;
  }

  static start(targetPort: number, alterations: Alterations = {}): Promise<HttpRecorder> {
    return new HttpRecorder(targetPort, alterations).listen();
  }

  /** Breaks the connection instead of answering the next `times` such requests, after the server has answered. */
  loseAnswers(which: (request: PassedRequest) => boolean, times: number): void {
    this.#loses = which;
    this.#losses = times;
  }

  /** Keeps the answers to such requests back until `release`. */
  hold(which: (request: PassedRequest) => boolean): void {
    this.#holds = which;
    this.#held ??= Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** Waits until the server has answered that many such requests, and returns all of them. */
  waitFor(which: (request: PassedRequest) => boolean, count: number): Promise<readonly PassedRequest[]> {
    return eventually(() => {
      const found = this.requests.filter(which);
      if (found.length < count) throw new Error(`Expected ${count} requests, got ${found.length}`);
      return found;
    });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await super[Symbol.asyncDispose]();
  }

  protected override async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Uint8Array);
    const body = new Uint8Array(Buffer.concat(chunks));
    const request = { target: incoming.url ?? "", body, text: new TextDecoder().decode(body) };
    const answer = this.#alterations.instead?.(request) ?? await this.#forward(request, incoming);
    this.requests.push(request);
    const isLost = this.#losses > 0 && this.#loses(request);
    if (isLost) this.#losses--;
    if (this.#holds(request)) await this.#held?.promise;
    if (isLost) incoming.socket.destroy();
    else response.writeHead(answer.status, { ...answer.headers }).end(answer.text);
  }

  async #forward(request: PassedRequest, incoming: IncomingMessage): Promise<PassedAnswer> {
    const { target, answer: alter } = this.#alterations;
    const answered = await fetch(
      `http://127.0.0.1:${this.#targetPort}${target?.(request) ?? request.target}`,
      {
        method: "POST",
        headers: { authorization: incoming.headers.authorization ?? "" },
        body: request.body,
      },
    );
    const headers = Object.fromEntries([...answered.headers].filter(([name]) => name.startsWith("x-")));
    const passed = { status: answered.status, text: await answered.text(), headers };
    return alter?.(request, passed) ?? passed;
  }
}
