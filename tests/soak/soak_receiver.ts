/** The systems behind the webhooks of the soak: the path says how each of them behaves. */

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../faults/random.ts";
import { LocalServer } from "../support/http/local_server.ts";

/** How long the slow one takes at most, in milliseconds. */
const SLOWEST_MS = 150;

/** A server that reads everything, keeps the ids of what it took, and answers by the path. */
export class SoakReceiver extends LocalServer {
  /** Ids of events that were answered 200. */
  readonly taken = new Set<string>();
  /** All behave from now on, so that what is left comes through. */
  isOver = false;
  readonly #random: SeededRandom;

  private constructor(random: SeededRandom) {
    super();
    this.#random = random;
  }

  static start(random: SeededRandom): Promise<SoakReceiver> {
    return new SoakReceiver(random).listen();
  }

  protected override async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
