/**
 * Stands before a Vault server: records every request, and answers some itself, as a rate limit, a standby
 * without a leader or a proxy would. What it passes on it passes on unchanged.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type IncomingMessage, request as sendRequest, type ServerResponse } from "node:http";
import { LocalServer } from "../http/local_server.ts";
import type { Answer } from "../http/target.ts";

/** A request as the client sent it. */
export interface SeenRequest {
  readonly method: string;
  /** Below `/v1/`, with query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

interface Rule {
  readonly path: RegExp;
  readonly answers: Answer[];
  /** The last answer stays for all further requests. */
  readonly stays: boolean;
}

/** An HTTP proxy for one server, on a free port of 127.0.0.1. */
export class VaultFront extends LocalServer {
  /** Every request so far, in the order of arrival. */
  readonly requests: SeenRequest[] = [];
  readonly #upstreamPort: () => number;
  readonly #rules = new Set<Rule>();

  private constructor(upstreamPort: () => number) {
    super();
    this.#upstreamPort = upstreamPort;
  }

  /** @param upstreamPort of the server on 127.0.0.1, asked for each request */
  static start(upstreamPort: () => number): Promise<VaultFront> {
    return new VaultFront(upstreamPort).listen();
  }

  /** The requests whose path matches. */
  seen(path: RegExp): readonly SeenRequest[] {
    return this.requests.filter((request) => path.test(request.path));
  }

  /** Answers the next requests to matching paths itself, one each. */
  answerNext(path: RegExp, ...answers: readonly Answer[]): void {
    this.#rules.add({ path, answers: [...answers], stays: false });
  }

  /** Answers all requests to matching paths itself, until disposal. */
  answer(path: RegExp, answer: Answer): Disposable {
    const rule = { path, answers: [answer], stays: true };
    this.#rules.add(rule);
    return { [Symbol.dispose]: () => void this.#rules.delete(rule) };
  }

  protected override async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const path = (request.url ?? "").replace(/^\/v1\//, "");
    this.requests.push({
      method: request.method ?? "",
      path,
      headers: request.headers,
      text: body.toString(),
    });
    const answer = this.#answerTo(path);
    if (answer === "hang") return;
    if (answer === "drop") {
      request.socket.destroy();
      return;
    }
    if (answer === undefined) return await this.#passOn(request, body, response);
    await answer.after;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }

  #answerTo(path: string): Answer | undefined {
    for (const rule of this.#rules) {
      if (!rule.path.test(path)) continue;
      const [answer] = rule.stays ? rule.answers : rule.answers.splice(0, 1);
      if (rule.answers.length === 0) this.#rules.delete(rule);
      return answer;
    }
    return undefined;
  }

  async #passOn(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const upstream = sendRequest({
      host: "127.0.0.1",
      port: this.#upstreamPort(),
      path: request.url,
      method: request.method,
      headers: request.headers,
      agent: false,
    });
    upstream.end(body);
    const [answer] = await once(upstream, "response") as [IncomingMessage];
    const answerBody = await readAll(answer);
    response.writeHead(answer.statusCode ?? 0, answer.headers);
    response.end(answerBody);
  }
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of message) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
