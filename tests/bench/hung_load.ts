/**
 * Events that are sent while things happen to a server, and whether they are in it afterwards.
 *
 * @module
 */

import { eventually } from "../support/eventually.ts";
import type { Sending } from "./hung_sender.ts";
import type { HungServer } from "./hung_servers.ts";

/** How long the gateway may take to deliver what it has accepted, in milliseconds. */
const CATCH_UP_MS = 60_000;

/** Sends events from a thread of its own. */
export class EventSender implements Disposable {
  readonly #worker: Worker;
  /** The ids of the events that were accepted, when all have been answered. */
  readonly accepted: Promise<readonly string[]>;

  constructor(sending: Sending) {
    const worker = new Worker(new URL("./hung_sender.ts", import.meta.url), { type: "module" });
    this.#worker = worker;
    this.accepted = new Promise((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<readonly string[]>) => resolve(data);
    });
    worker.postMessage(sending);
  }

  /** Sends to the end, and waits for all answers. @returns the ids of the events that were accepted */
  static send(sending: Sending): Promise<readonly string[]> {
    return new EventSender(sending).accepted;
  }

  /** Sends no more events. */
  stop(): void {
    this.#worker.postMessage("stop");
  }

  /** Waits for no answer any more. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** How many of the events that were accepted are not in a server, and how many are there several times. */
export interface Arrivals {
  readonly missing: number;
  readonly repeated: number;
}

/** Waits until all events are in the server, or the time for that is over. */
export async function arrivalsOf(accepted: readonly string[], server: HungServer): Promise<Arrivals> {
  const found = await arrived(accepted, server);
  return {
    missing: accepted.filter((id) => !found.has(id)).length,
    repeated: accepted.filter((id) => (found.get(id) ?? 0) > 1).length,
  };
}

/** How often each event is in the server. */
async function arrived(
  accepted: readonly string[],
  server: HungServer,
): Promise<ReadonlyMap<string, number>> {
  const complete = async () => {
    const found = await server.count();
    if (accepted.some((id) => !found.has(id))) throw new Error("Some events have not arrived");
    return found;
  };
  try {
    return await eventually(complete, { timeoutMs: CATCH_UP_MS, intervalMs: 500 });
  } catch {
    return await server.count();
  }
}
