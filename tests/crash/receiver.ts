import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../faults/random.ts";
import type { Arrival, Ledger, Order } from "./ledger.ts";
import type { BatchItem } from "./ordered_output.ts";

/** Answers that come late, in milliseconds. */
const SLOWEST_MS = 80;

/** The share of requests that are answered 503. */
const FAILURES = 0.02;

/**
 * The slow system behind the outputs. It writes down what arrives and what it answered; some requests fail,
 * and events that are to be rejected are refused for good.
 */
export class Receiver implements AsyncDisposable {
  /** Whether it answers as late and as badly as it may. */
  slow = true;
  readonly #server: Server;
  readonly #ledger: Ledger;
  readonly #random: SeededRandom;

  private constructor(ledger: Ledger, random: SeededRandom) {
    this.#ledger = ledger;
    this.#random = random;
    this.#server = createServer((request, response) => {
      // A gateway that was killed breaks its requests off; those did not arrive.
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
  }

  static async start(ledger: Ledger, random: SeededRandom): Promise<Receiver> {
    const receiver = new Receiver(ledger, random);
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
    const text = await readText(request);
    const arrivals = request.url === "/batch"
      ? this.#noteBatch(text, Number(request.headers["attempt"]))
      : [this.#noteOne(text, request)];
    const status = this.#statusFor(arrivals);
    if (this.slow) await sleep(this.#random.next() * SLOWEST_MS);
    response.on("finish", () => {
      for (const arrival of arrivals) {
        if (status === 200) this.#ledger.take(arrival);
        else arrival.failed = true;
      }
    });
    response.writeHead(status, { "content-length": "0" }).end();
  }

  #noteOne(text: string, { headers, url }: IncomingMessage): Arrival {
    return this.#ledger.arrive({
      eventId: String(headers["cwm-event-id"]),
      webhook: String(headers["cwm-webhook"]),
      step: String(url),
      order: JSON.parse(text) as Order,
    });
  }

  #noteBatch(text: string, attempt: number): Arrival[] {
    const items = JSON.parse(text) as BatchItem[];
    return items.map(({ id, webhook, body }) =>
      this.#ledger.arrive({
        eventId: id,
        webhook,
        step: "/batch",
        order: JSON.parse(body) as Order,
        attempt,
      })
    );
  }

  #statusFor(arrivals: readonly Arrival[]): number {
    if (arrivals.some(({ step, order }) => step !== "/batch" && order.fate === "reject")) return 400;
    return this.slow && this.#random.next() < FAILURES ? 503 : 200;
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  if (!request.complete) throw new Error("The request broke off");
  return text;
}
