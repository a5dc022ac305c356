/** What stands between a connector and a gateway in real networks: a TLS front, and an HTTP proxy. */

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TestCertificates } from "../etcd/certificates.ts";

/** A server on a free port of 127.0.0.1 whose connections end with it. */
class Front implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => this.track(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function join(front: Front, socket: Socket, port: number, host = "127.0.0.1"): Socket {
  const upstream = connect(port, host);
  front.track(upstream);
  socket.on("close", () => upstream.destroy());
  upstream.on("close", () => socket.destroy());
  upstream.pipe(socket);
  socket.pipe(upstream);
  return upstream;
}

/** Ends TLS for a server, and lets in only clients with a certificate of the same authority. */
export async function startTlsFront(
  certificates: TestCertificates,
  name: string,
  port: number,
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createTlsServer({
    cert: await Deno.readTextFile(certificates.certificateOf(name)),
    key: await Deno.readTextFile(certificates.keyOf(name)),
    ca: [await Deno.readTextFile(certificates.ca)],
    requestCert: true,
    rejectUnauthorized: true,
  });
  const front = new Front(server);
  server.on("secureConnection", (socket) => {
    front.track(socket);
    join(front, socket, port);
  });
  server.on("tlsClientError", () => {}); // A client without a certificate is turned away.
  return await front.listen();
}

/** An HTTP proxy that knows CONNECT, and keeps what it was asked for. */
export async function startConnectProxy(): Promise<
  AsyncDisposable & { readonly port: number; readonly asked: readonly string[] }
> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.once("data", (head) => {
      const [, host, port] = /^CONNECT ([^:]+):(\d+) HTTP/.exec(String(head)) ?? [];
      asked.push(String(head).split("\r\n")[0]!);
      if (host === undefined) {
        socket.destroy();
        return;
      }
      const upstream = join(front, socket, Number(port), host);
      upstream.once("connect", () => socket.write("HTTP/1.1 200 Connection established\r\n\r\n"));
    });
  });
  const front = await new Front(server).listen();
  return Object.assign(front, { asked });
}
