/**
 * A forward proxy of HTTP, for what real ones are not asked to do: it takes every name for the machine itself, records
 * what it is asked, and refuses what a test wants refused.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";

/** How the proxy behaves. */
export interface ForwardProxyOptions {
  /** The value of `Proxy-Authorization` that it wants. @default none */
  readonly login?: string;
  /** A certificate and its key in PEM, for a proxy that is spoken to by TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A proxy on a free port of 127.0.0.1. */
export class ForwardProxy implements AsyncDisposable {
  /** What it was asked, in order: `CONNECT orders.test:443`, `POST http://orders.test:80/path`. */
  readonly asked: string[] = [];
  /** Answered to every `CONNECT`, as it is, instead of opening the way. */
  refusal: string | undefined;
  readonly #login: string | undefined;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets = new Set<Socket>();

  private constructor({ login, tls }: ForwardProxyOptions) {
    this.#login = login;
    const pass = (incoming: IncomingMessage, response: ServerResponse) => this.#pass(incoming, response);
    this.#server = tls === undefined ? createServer(pass) : createSecureServer(tls, pass);
    this.#server.on("connect", (asked, socket) => this.#open(asked, socket as Socket));
  }

  static async start(options: ForwardProxyOptions = {}): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(options);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    this.asked.push(`${incoming.method} ${incoming.url}`);
    const { "proxy-authorization": login, ...headers } = incoming.headers;
    if (login !== this.#login) {
      response.writeHead(407).end();
      return;
    }
    const { port, pathname, search } = new URL(incoming.url ?? "");
    const onward = request(
      { host: "127.0.0.1", port, path: pathname + search, method: incoming.method, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    incoming.pipe(onward);
  }

  #open({ url, headers }: IncomingMessage, socket: Socket): void {
    this.asked.push(`CONNECT ${url}`);
    this.#keep(socket);
    if (this.refusal !== undefined) return void socket.end(this.refusal);
    if (headers["proxy-authorization"] !== this.#login) {
      return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    }
    const onward = connect(Number(url?.split(":").at(-1)), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    this.#keep(onward);
    onward.on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
  }
}
