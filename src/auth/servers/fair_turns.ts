/**
 * Turns of calls that strangers can bring about, shared out among who sent the requests.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import { TooManyCallsError } from "../../io/blocking_calls.ts";

/** A call that waits for its turn. */
interface Waiting {
  readonly begin: () => void;
  readonly giveWay: () => void;
}

/**
 * Clients take turns, so that one that sends very much waits for itself. Where no more may wait, a call of the client
 * with the most gives way to one of a client that then has no more.
 */
export class FairTurns {
  readonly #places: number;
  readonly #mostWaiting: number;
  /** The calls of each client that wait, by its address, in the order of the clients' turns. */
  readonly #clients = new Map<string, Waiting[]>();
  #underWay = 0;
  #waiting = 0;

  /** @param places most calls under way at once. @param mostWaiting most that wait for a place */
  constructor(places: number, mostWaiting: number) {
    this.#places = places;
    this.#mostWaiting = mostWaiting;
  }

  /** Whether nothing is under way, so that it can be forgotten. */
  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  /**
   * Does the work when it is the client's turn.
   *
   * @param signal ends the wait
   * @throws {TooManyCallsError} when too many wait, and no other client has more of them than this one would have
   */
  async run<Result>(client: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    if (this.#underWay < this.#places) this.#underWay++;
    else await this.#turn(client, signal);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  async #turn(client: string, signal: AbortSignal): Promise<void> {
    if (this.#waiting >= this.#mostWaiting) this.#makeRoomFor(client);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { begin: resolve, giveWay: () => reject(tooMany()) };
    const abort = () => {
      if (this.#remove(client, waiting)) reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#waiting++;
    const calls = this.#clients.get(client);
    if (calls === undefined) this.#clients.set(client, [waiting]);
    else calls.push(waiting);
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** @throws {TooManyCallsError} when no other client has more calls that wait than this one would have */
  #makeRoomFor(client: string): void {
    const [greediest, calls] = [...this.#clients].reduce((most, each) =>
      each[1].length > most[1].length ? each : most
    );
    const own = this.#clients.get(client)?.length ?? 0;
    if (calls.length <= own + 1) throw tooMany();
    const last = calls.at(-1)!;
    this.#remove(greediest, last);
    last.giveWay();
  }

  /** The place stays taken where it is handed on: nobody may come between. */
  #next(): void {
    const [first] = this.#clients;
    if (first === undefined) {
      this.#underWay = assertCount(this.#underWay - 1, "calls about strangers");
      return;
    }
    const [client, [call]] = first as [string, [Waiting]];
    this.#remove(client, call);
    const others = this.#clients.get(client);
    if (others !== undefined) {
      this.#clients.delete(client); // A Map keeps the order of insertion.
      this.#clients.set(client, others);
    }
    call.begin();
  }

  #remove(client: string, call: Waiting): boolean {
    const calls = this.#clients.get(client);
    const place = calls?.indexOf(call) ?? -1;
    if (calls === undefined || place === -1) return false;
    calls.splice(place, 1);
    this.#waiting = assertCount(this.#waiting - 1, "calls that wait");
    if (calls.length === 0) this.#clients.delete(client);
    return true;
  }
}

function tooMany(): TooManyCallsError {
  return new TooManyCallsError("Too many calls about strangers wait");
}
