/** The systems behind the webhooks of the soak: the path says how each of them behaves. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../faults/random.ts";

/** How long the slow one takes at most, in milliseconds. */
const SLOWEST_MS = 150;

/** A server that reads everything, keeps the ids of what it took, and answers by the path. */
export class SoakReceiver implements AsyncDisposable {
  /** Ids of events that were answered 200. */
  readonly taken = new Set<string>();
  /** All behave from now on, so that what is left comes through. */
  isOver = false;
  readonly #random: SeededRandom;
  readonly #server: Server;

  private constructor(random: SeededRandom) {
    this.#random = random;
    this.#server = createServer((request, response) => {
      // The gateway gives up on what hangs; such a request did not arrive.
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
  }

  static async start(random: SeededRandom): Promise<SoakReceiver> {
    const receiver = new SoakReceiver(random);
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  /** `http://127.0.0.1:<port>` */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    await once(request, "end");
    const status = await this.#statusOf(request.url ?? "");
    if (status === undefined) return;
    if (status === 200) this.taken.add(String(request.headers["cwm-event-id"]));
    response.writeHead(status, { "content-length": "0" }).end();
  }

  /** `undefined` for no answer. */
  async #statusOf(path: string): Promise<number | undefined> {
    if (this.isOver) return 200;
    if (path === "/hangs") return undefined;
    if (path === "/down") return 503;
    if (path === "/rejects") return 400;
    if (path === "/flaky") return this.#random.next() < 0.5 ? 503 : 200;
    if (path === "/slow") await sleep(this.#random.next() * SLOWEST_MS);
    return 200;
  }
}
