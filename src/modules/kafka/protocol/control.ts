/**
 * Questions that any broker of a cluster can answer. They go over a connection of their own, since a broker
 * answers nothing on a connection while records that came over it wait for replicas.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import type { BrokerConnection, Outgoing } from "../producer/broker_connection.ts";
import { firstAnswer, type Way } from "../../../time/first_answer.ts";
import type { Api } from "./requests.ts";

/** How long a broker may take to answer a question, in milliseconds. */
const ANSWER_TIMEOUT_MS = 2_500;

/** How long one broker is waited for before another one is asked as well, in milliseconds. */
const BESIDE_MS = 500;

/** Opens a connection to the broker at `host:port`. */
export type OpenConnection = (address: string, signal: AbortSignal) => Promise<BrokerConnection>;

interface Answered<Answer> {
  readonly answer: Answer;
  readonly connection: BrokerConnection;
}

/** Asks the broker that answered last, and others when it does not answer. */
export class Control implements AsyncDisposable {
  readonly #open: OpenConnection;
  /** Where brokers may be found, the most promising ones first. */
  readonly #addresses: () => readonly string[];
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  #connection: BrokerConnection | undefined;

  constructor(open: OpenConnection, addresses: () => readonly string[]) {
    this.#open = open;
    this.#addresses = addresses;
  }

  /**
   * Asks a question.
   *
   * @throws {DeliveryError} with the reason of the first broker, when none answers
   */
  async ask<Answer>(api: Api<Answer>, write: (version: number) => Outgoing): Promise<Answer> {
    const { signal } = this.#closing;
    if (signal.aborted) throw closed();
    const current = this.#connection?.isOpen ? this.#connection : undefined;
    const put = (connection: BrokerConnection) => connection.ask(api, write, ANSWER_TIMEOUT_MS);
    const ways = this.#addresses().map((address): Way<Answered<Answer>> => (signal) =>
      this.#follow(this.#askNew(address, put, signal))
    );
    if (current !== undefined) ways.unshift((signal) => this.#follow(askOpen(current, put, signal)));
    const discard = ({ connection }: Answered<Answer>) => connection[Symbol.asyncDispose]();
    const { winner, failures, settled } = await firstAnswer(ways, BESIDE_MS, signal, discard);
    void this.#follow(settled);
    if (winner === undefined) throw failureOf(failures);
    const { answer, connection } = winner.result;
    if (connection !== this.#connection) {
      const former = this.#connection;
      this.#connection = connection;
      if (former !== undefined) this.#follow(former[Symbol.asyncDispose]());
    }
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#connection?.[Symbol.asyncDispose]();
    await Promise.allSettled(this.#underWay);
    // One that was opened at the last moment.
    await this.#connection?.[Symbol.asyncDispose]();
  }

  async #askNew<Answer>(
    address: string,
    put: (connection: BrokerConnection) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answered<Answer>> {
    const connection = await this.#open(address, signal);
    try {
      return await askOpen(connection, put, signal);
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  #follow<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay.add(work);
    const forget = () => this.#underWay.delete(work);
    work.then(forget, forget);
    return work;
  }
}

/** The reason of the broker that was asked first; where none had any, the questions were called off. */
function failureOf(failures: ReadonlyMap<number, unknown>): unknown {
  return failures.size === 0 ? closed() : failures.get(Math.min(...failures.keys()));
}

function closed(): DeliveryError {
  return new DeliveryError("output_unavailable", "The connection to Kafka was closed");
}

/** Asks over a connection, which ends when another broker has answered first. */
async function askOpen<Answer>(
  connection: BrokerConnection,
  put: (connection: BrokerConnection) => Promise<Answer>,
  signal: AbortSignal,
): Promise<Answered<Answer>> {
  const abort = () =>
    connection.abort(new DeliveryError("output_timeout", "Another Kafka broker answered first"));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return { answer: await put(connection), connection };
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
