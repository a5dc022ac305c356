import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../faults/random.ts";
import { LocalServer } from "../support/http/local_server.ts";
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
export class Receiver extends LocalServer {
  /** Whether it answers as late and as badly as it may. */
  slow = true;
  readonly #ledger: Ledger;
  readonly #random: SeededRandom;

  private constructor(ledger: Ledger, random: SeededRandom) {
    super();
    this.#ledger = ledger;
    this.#random = random;
  }

  static start(ledger: Ledger, random: SeededRandom): Promise<Receiver> {
    return new Receiver(ledger, random).listen();
  }

  protected override async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readText(request);
    const { pathname, searchParams } = new URL(request.url ?? "", this.url);
    // Where there are several gateways, their configurations say which of them sends.
    const life = searchParams.has("life") ? { life: Number(searchParams.get("life")) } : {};
    const arrivals = pathname === "/batch"
      ? this.#noteBatch(text, Number(request.headers["attempt"]), life)
      : [this.#noteOne(text, pathname, request, life)];
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

  #noteOne(text: string, step: string, { headers }: IncomingMessage, life: { life?: number }): Arrival {
    return this.#ledger.arrive({
      eventId: String(headers["cwm-event-id"]),
      webhook: String(headers["cwm-webhook"]),
      step,
      order: JSON.parse(text) as Order,
      ...life,
    });
  }

  #noteBatch(text: string, attempt: number, life: { life?: number }): Arrival[] {
    const items = JSON.parse(text) as BatchItem[];
    return items.map(({ id, webhook, body }) =>
      this.#ledger.arrive({
        eventId: id,
        webhook,
        step: "/batch",
        order: JSON.parse(body) as Order,
        attempt,
        ...life,
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
