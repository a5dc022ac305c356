import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../faults/random.ts";
import { formatRequest, RawHttpConnection, type RawResponse } from "../support/http/raw_http.ts";
import type { Ledger, Order } from "./ledger.ts";
import { CHAINED, ORDERED, REPEATED, WAITING } from "./webhooks.ts";

/** The share of events that the receiver refuses for good. */
const REJECTED = 0.01;

/** How long a sender that was refused waits, in milliseconds. */
const REFUSED_PAUSE_MS = 50;

/** Webhooks in the order in which a sender takes them in turn. */
const TURNS: readonly string[] = ["plain", REPEATED, ...ORDERED, CHAINED, "plain", WAITING, ...ORDERED];

/**
 * Many clients that post events, each one after the other over a connection of its own, byte by byte, so that
 * nothing is sent twice behind the test's back.
 */
export class Senders {
  readonly #ledger: Ledger;
  readonly #random: SeededRandom;
  readonly #running: Promise<void>[];
  #port: number | undefined;
  #stopped = false;

  constructor(count: number, ledger: Ledger, random: SeededRandom) {
    this.#ledger = ledger;
    this.#random = random;
    this.#running = Array.from({ length: count }, (_, sender) => this.#run(sender));
  }

  /** Where the gateway listens; `undefined` while there is none. */
  pointTo(port: number | undefined): void {
    this.#port = port;
  }

  /** Ends after the requests that are under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #run(sender: number): Promise<void> {
    let number = 0;
    while (!this.#stopped) {
      const port = this.#port;
      if (port === undefined) await sleep(10);
      else {
        try {
          await using connection = await RawHttpConnection.open(port);
          while (!this.#stopped) await this.#sendOne(connection, sender, number++);
        } catch {
          // The gateway has ended; what was under way is in the books.
          await sleep(10);
        }
      }
    }
  }

  async #sendOne(connection: RawHttpConnection, sender: number, number: number): Promise<void> {
    const webhook = TURNS[(sender + number) % TURNS.length]!;
    const mayBeRejected = !ORDERED.includes(webhook) && webhook !== WAITING;
    const fate = mayBeRejected && this.#random.next() < REJECTED ? "reject" : "take";
    const order: Order = { sender, number, fate };
    if (webhook === REPEATED) return await this.#sendUntilAnswered(connection, order);
    await this.#send(connection, webhook, order);
  }

  /** Sends with a key. Where the answer is missing the request is repeated over other connections. */
  async #sendUntilAnswered(first: RawHttpConnection, order: Order): Promise<void> {
    const key = `${order.sender}-${order.number}`;
    try {
      await this.#send(first, REPEATED, order, key);
    } catch {
      while (!this.#stopped) {
        try {
          await using connection = await RawHttpConnection.open(this.#port ?? 0);
          return await this.#send(connection, REPEATED, order, key);
        } catch {
          await sleep(20);
        }
      }
    }
  }

  async #send(connection: RawHttpConnection, webhook: string, order: Order, key?: string): Promise<void> {
    const headers = { "content-type": "application/json", ...(key === undefined ? {} : { "x-key": key }) };
    const body = JSON.stringify(order);
    const sent = { order, webhook, ...(key === undefined ? {} : { key }) };
    let answer: RawResponse;
    try {
      await connection.write(formatRequest("POST", `/webhook/${webhook}`, { headers, body }));
      answer = await connection.readResponse({ method: "POST", timeoutMs: 60_000 });
    } catch (error) {
      this.#ledger.sent.push({ ...sent, unanswered: true });
      throw error;
    }
    if (answer.status === 200) {
      const { event_id } = JSON.parse(answer.text) as { event_id: string };
      this.#ledger.sent.push({ ...sent, eventId: event_id });
      return;
    }
    const { error } = JSON.parse(answer.text) as { error: { code: string } };
    this.#ledger.refuse(`${answer.status} ${error.code}`);
    await sleep(REFUSED_PAUSE_MS);
  }
}
