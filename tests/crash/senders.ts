import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../faults/random.ts";
import { formatRequest, RawHttpConnection, type RawResponse } from "../support/http/raw_http.ts";
import type { Ledger, Order } from "./ledger.ts";
import { CHAINED, ORDERED, REPEATED, WAITING } from "./webhooks.ts";

/** The share of events that the receiver refuses for good. */
const REJECTED = 0.01;

/** How long a sender that was refused waits, in milliseconds. */
const REFUSED_PAUSE_MS = 50;

/** How long a sender waits for an answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Webhooks in the order in which a sender takes them in turn. */
const TURNS: readonly string[] = ["plain", REPEATED, ...ORDERED, CHAINED, "plain", WAITING, ...ORDERED];

/**
 * Many clients that post events, each one after the other over connections of its own, byte by byte, so that
 * nothing is sent twice behind the test's back. Where there are several gateways, each takes them in turn.
 */
export class Senders {
  readonly #ledger: Ledger;
  readonly #random: SeededRandom;
  readonly #answerTimeoutMs: number;
  readonly #running: Promise<void>[];
  #ports: readonly number[] = [];
  #stopped = false;

  /** @param answerTimeoutMs after that a sender breaks off. @default a minute */
  constructor(count: number, ledger: Ledger, random: SeededRandom, answerTimeoutMs = ANSWER_TIMEOUT_MS) {
    this.#ledger = ledger;
    this.#random = random;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.#running = Array.from({ length: count }, (_, sender) => this.#run(sender));
  }

  /** Where the gateways listen; none: there is none at the moment. */
  pointTo(...ports: readonly number[]): void {
    this.#ports = ports;
  }

  /** Ends after the requests that are under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #run(sender: number): Promise<void> {
    let number = 0;
    await using connections = new Connections();
    while (!this.#stopped) {
      const port = this.#portFor(sender + number);
      if (port === undefined) await sleep(10);
      else {
        try {
          const connection = await connections.to(port);
          await this.#sendOne(connection, sender, number++);
        } catch {
          // The gateway has ended, or stands still; what was under way is in the books.
          await connections.drop(port);
          await sleep(10);
        }
      }
    }
  }

  #portFor(turn: number): number | undefined {
    return this.#ports[turn % this.#ports.length];
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
      for (let repeat = 1; !this.#stopped; repeat++) {
        try {
          const port = this.#portFor(order.sender + order.number + repeat) ?? 0;
          await using connection = await RawHttpConnection.open(port);
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
    const begun = performance.now();
    try {
      await connection.write(formatRequest("POST", `/webhook/${webhook}`, { headers, body }));
      answer = await connection.readResponse({ method: "POST", timeoutMs: this.#answerTimeoutMs });
    } catch (error) {
      this.#ledger.sent.push({ ...sent, unanswered: true });
      throw error;
    }
    const tookMs = performance.now() - begun;
    if (answer.status === 200) {
      const { event_id } = JSON.parse(answer.text) as { event_id: string };
      this.#ledger.sent.push({ ...sent, eventId: event_id, tookMs });
      return;
    }
    const { error } = JSON.parse(answer.text) as { error: { code: string } };
    this.#ledger.refuse(`${answer.status} ${error.code}`, tookMs);
    await sleep(REFUSED_PAUSE_MS);
  }
}

/** The connections of one sender, one to each gateway. */
class Connections implements AsyncDisposable {
  readonly #open = new Map<number, RawHttpConnection>();

  async to(port: number): Promise<RawHttpConnection> {
    const open = this.#open.get(port);
    if (open !== undefined) return open;
    const connection = await RawHttpConnection.open(port);
    this.#open.set(port, connection);
    return connection;
  }

  async drop(port: number): Promise<void> {
    const connection = this.#open.get(port);
    this.#open.delete(port);
    await connection?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const port of [...this.#open.keys()]) await this.drop(port);
  }
}
