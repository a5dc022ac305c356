/** What may stand between the gateway and a service of AWS, or in the service itself: another answer to some requests. */

import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { LocalServer } from "../http/local_server.ts";

/** A request, as its sender has written it. */
export interface FrontRequest {
  /** Such as `SendMessageBatch`. */
  readonly action: string;
  /** Id of the access key that it is signed with. */
  readonly keyId: string;
  readonly region: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly url: string;
  readonly body: Buffer;
}

/** What is answered in the place of the service. */
export interface FrontAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A refusal in the JSON protocol. */
export function refusalOf(code: string, status = 400): FrontAnswer {
  return { status, body: JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message: "a text" }) };
}

/** Passes requests on, but for those that a test answers itself. */
export class ServiceFront extends LocalServer {
  /** What has come, in its order. */
  readonly requests: FrontRequest[] = [];
  /** Answers a request; `undefined` for one that the service gets. */
  answer: (request: FrontRequest) => FrontAnswer | undefined = () => undefined;
  /** Changes the documents with which the service answers. */
  change: (document: Record<string, unknown>, request: FrontRequest) => unknown = (document) => document;
  readonly #target: string;

  private constructor(target: string) {
    super();
    this.#target = target;
  }

  /** @param port of the service */
  static start(port: number): Promise<ServiceFront> {
    return new ServiceFront(`http://127.0.0.1:${port}`).listen();
  }

  /** How many requests for an action have come. */
  count(action: string): number {
    return this.requests.filter((request) => request.action === action).length;
  }

  protected async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = readRequest(incoming, Buffer.concat(await Array.fromAsync(incoming)));
    this.requests.push(request);
    const own = this.answer(request);
    const { status, headers = {}, body = "" } = own ?? await this.#pass(request);
    response.writeHead(status, headers).end(body);
  }

  async #pass(request: FrontRequest): Promise<FrontAnswer> {
    const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
    const { body: bytes } = request;
    const answer = await fetch(this.#target + request.url, {
      method: "POST",
      headers,
      body: new Uint8Array(bytes),
    });
    const text = await answer.text();
    if (!answer.ok) return { status: answer.status, headers: Object.fromEntries(answer.headers), body: text };
    return { status: 200, body: JSON.stringify(this.change(JSON.parse(text), request)) };
  }
}

function readRequest({ headers: received, url = "/" }: IncomingMessage, body: Buffer): FrontRequest {
  const headers = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, String(value)]));
  const scope = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(headers["authorization"] ?? "");
  return {
    action: headers["x-amz-target"]?.split(".")[1] ?? "",
    keyId: scope?.[1] ?? "",
    region: scope?.[2] ?? "",
    headers,
    url,
    body,
  };
}
