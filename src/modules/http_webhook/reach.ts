/**
 * Whether connections to a destination can be opened, once one could not.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import type { Destination, HttpWebhookClient } from "../../io/http_client.ts";
import { judgeFailure, nameOf } from "./answers.ts";

/** Probes that may fail before an event is sent all the same: half a minute of them. */
const MOST_PROBES = 15;

/** Tries connections to the destinations of one output, without an event. */
export class Reach {
  readonly #client: HttpWebhookClient;
  /** Where the last connection could not be opened. */
  #unreached: Destination | undefined;
  /** Since an event was to find out whether it can be. */
  #probes = 0;

  constructor(client: HttpWebhookClient) {
    this.#client = client;
  }

  /** A destination has answered. */
  answered(): void {
    this.#unreached = undefined;
  }

  /**
   * What it means that there was no answer.
   *
   * @param isLate whether the time for it was over
   * @param isOnly whether there is no other target
   */
  judge(error: unknown, destination: Destination, isLate: boolean, isOnly: boolean): DeliveryError {
    if (isLate) {
      return new DeliveryError("output_timeout", `Destination ${nameOf(destination)} did not answer in time`);
    }
    const failure = judgeFailure(error, destination);
    if (isOnly && failure.code === "output_unavailable") this.#unreached = destination;
    return failure;
  }

  /**
   * Opens a connection to each destination. No request is sent: it might do something.
   *
   * @throws {DeliveryError} when one cannot be opened
   */
  async tryOut(destinations: readonly Destination[], signal: AbortSignal): Promise<void> {
    await Promise.all(destinations.map(async (destination) => {
      try {
        await this.#client.reach(destination, signal);
      } catch (error) {
        throw this.judge(error, destination, signal.aborted, false);
      }
    }));
  }

  /**
   * Opens a connection to where none could be opened. After some that failed an event is to find out itself: what
   * kept the connection from being opened may have been of one webhook alone.
   *
   * @throws {DeliveryError} `output_unavailable`
   */
  async probe(signal: AbortSignal): Promise<void> {
    const destination = this.#unreached;
    const isDue = destination !== undefined && this.#probes < MOST_PROBES;
    this.#probes = isDue ? this.#probes + 1 : 0;
    if (!isDue) return;
    try {
      await this.#client.reach(destination, signal);
    } catch (error) {
      const failure = judgeFailure(error, destination);
      if (failure.code === "output_unavailable") throw failure;
    }
    this.#probes = 0;
  }
}
