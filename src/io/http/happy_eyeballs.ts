/**
 * Happy Eyeballs (RFC 8305): of all addresses of a name, IPv6 and IPv4, the first that answers is connected to, and one
 * that never answers holds a connection up for a moment only.
 *
 * @module
 */

import type { LookupAddress } from "node:dns";
import type { Socket } from "node:net";
import { type FirstAnswer, firstAnswer } from "../../time/first_answer.ts";
import { AddressOrder } from "./address_order.ts";
import { readySocket } from "./ready_socket.ts";

/**
 * How long an address is waited for before the next one is tried beside it, in milliseconds. RFC 8305, section 8:
 * at least 100, and 250 where nothing better is known.
 */
const ATTEMPT_DELAY_MS = 150;

/**
 * How long all addresses are waited for, in milliseconds: whoever asks for longer would learn no more. Time enough to
 * repeat what got lost on the way twice.
 */
const CONNECT_MS = 5_000;

/** Most addresses of a name that are tried at once: for one more, the one that was begun first is given up. */
const MAX_ATTEMPTS = 8;

/** Connects to names with several addresses, and remembers which of them did not answer. */
export class HappyEyeballs {
  readonly #order = new AddressOrder(() => performance.now());
  readonly #attemptDelayMs: number;
  readonly #connectMs: number;

  /**
   * @param options.attemptDelayMs how long an address is waited for alone, in milliseconds. @default 150
   * @param options.connectMs how long all are waited for, in milliseconds. @default 5000
   */
  constructor(options: { readonly attemptDelayMs?: number; readonly connectMs?: number } = {}) {
    this.#attemptDelayMs = options.attemptDelayMs ?? ATTEMPT_DELAY_MS;
    this.#connectMs = options.connectMs ?? CONNECT_MS;
  }

  /**
   * Returns a socket that is connected to one of the addresses.
   *
   * @param addresses in the order of preference, as the system's resolver gives them
   * @param open begins to connect to an address
   * @throws {Error} what the last address failed with, when all have failed; with code `ETIMEDOUT` when none answers
   * @throws whatever the signal's reason is, when it aborts first
   */
  async connect(
    addresses: readonly LookupAddress[],
    open: (address: LookupAddress) => Socket,
    signal: AbortSignal,
  ): Promise<Socket> {
    signal.throwIfAborted();
    const ordered = this.#order.sort(addresses);
    const sockets: Socket[] = [];
    const ways = ordered.map((address) => (end: AbortSignal) => {
      const socket = open(address);
      sockets.push(socket);
      sockets.at(-MAX_ATTEMPTS - 1)?.destroy(new Error("Further addresses are tried instead"));
      return readySocket(socket, "connect", end);
    });
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(noAnswer()), this.#connectMs);
    const until = AbortSignal.any([signal, deadline.signal]);
    const { winner, failures } = await firstAnswer(ways, this.#attemptDelayMs, until, discard);
    clearTimeout(timer);
    if (winner === undefined) throw reasonOf(failures, until);
    // Those before it had longer to answer, and did not.
    this.#order.note(ordered.slice(0, winner.index), ordered[winner.index]!);
    return winner.result;
  }
}

function noAnswer(): Error {
  return Object.assign(new Error("No address has answered"), { code: "ETIMEDOUT" });
}

function discard(late: Socket): Promise<void> {
  late.destroy();
  return Promise.resolve();
}

function reasonOf(failures: FirstAnswer<Socket>["failures"], signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return [...failures.values()].at(-1) ?? new Error("The name has no address");
}
