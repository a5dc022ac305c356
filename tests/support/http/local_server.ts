/**
 * HTTP servers of tests, on free ports of 127.0.0.1, whose disposal leaves nothing open.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** All of a server but what it answers. */
export abstract class LocalServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    // What breaks off has not arrived, and an answer to a client that left goes nowhere.
    this.serve(request, response).catch(() => request.socket.destroy());
  });

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:<port>` */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  protected async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  /** Answers one request. Where it rejects, the connection is broken. */
  protected abstract serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}
