/**
 * Leases of events: those that are asked for while a statement is under way share the next one, one for each channel.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { LeasedEvent, LeaseOptions } from "../../../channels/channel_queues.ts";
import type { Value } from "../../../io/postgres/client.ts";
import { readEvent } from "../event_bytes.ts";
import { type Caller, randomNumber, type Send } from "./caller.ts";
import { type Call, CallQueue } from "./call_queue.ts";
import { HELD, LEASE, LEASED, type LeasedRow, REVEAL, TIMED } from "./statements.ts";

/** How long a lease may take, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Channels of a statement, and leases that may wait. */
const MOST_CHANNELS = 200;
const MAX_WAITING = 20_000;

/** How often what has ended is made visible before what is there is leased all the same. */
const MOST_REVEALS = 3;

interface LeaseCall extends Call<readonly LeasedEvent[]> {
  readonly channel: string;
  readonly limit: number;
  readonly visibilityMs: number;
  readonly options: LeaseOptions;
}

/** Leases events of channels. */
export class Leaser {
  readonly #caller: Caller;
  readonly #onNext: (channel: string, inMs: number) => void;
  readonly #calls: CallQueue<"lease", LeaseCall>;

  /** @param onNext called with the time until the next lease or delay of a channel ends, in milliseconds */
  constructor(caller: Caller, onNext: (channel: string, inMs: number) => void) {
    this.#caller = caller;
    this.#onNext = onNext;
    this.#calls = new CallQueue({
      kindOf: () => "lease",
      carryOut: (calls, _kind, signal) => this.#carryOut(calls, signal),
      timeoutMs: TIMEOUT_MS,
      mostKeys: MOST_CHANNELS,
      mostBytes: Infinity,
      maxWaiting: MAX_WAITING,
      maxWaitingBytes: Infinity,
    });
  }

  lease(
    channel: string,
    limit: number,
    visibilityMs: number,
    options: LeaseOptions,
  ): Promise<readonly LeasedEvent[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly LeasedEvent[]>();
    this.#calls.add({ channel, limit, visibilityMs, options, bytes: 0, keys: [channel], resolve, reject });
    return promise;
  }

  /** Refuses what waits. */
  end(): void {
    this.#calls.end();
  }

  async #carryOut(calls: readonly LeaseCall[], signal: AbortSignal): Promise<void> {
    const number = randomNumber();
    const found = await this.#caller.run(async (send, isRepeat) => {
      // Leases whose answer was lost would stand until their time is over.
      const lost = isRepeat ? await leasedBefore(calls, number, send) : [];
      return lost.length > 0 ? lost : await leased(calls, number, send);
    }, signal);
    const events = calls.map((): LeasedEvent[] => []);
    for (const { n, next, deliveries, event } of found) {
      if (n === null) continue;
      const call = calls[n - 1]!;
      if (next !== null) this.#onNext(call.channel, next);
      if (event !== null && deliveries !== null) events[n - 1]!.push(leasedEvent(event, deliveries));
    }
    for (const [index, call] of calls.entries()) call.resolve(events[index]!);
  }
}

/** Leases; first what has ended is made visible, so that the oldest events come first. */
async function leased(
  calls: readonly LeaseCall[],
  number: string,
  send: Send,
): Promise<readonly LeasedRow[]> {
  const found: LeasedRow[] = [];
  let left = calls.map((call, index) => ({ call, place: index + 1 }));
  for (let reveals = 0; left.length > 0; reveals++) {
    const isLast = reveals === MOST_REVEALS;
    const rows = await send<LeasedRow>(LEASE, valuesOf(left.map(({ call }) => call), number, isLast));
    const due = new Set<number>();
    for (const row of rows) {
      if (row.n === null) continue;
      if (row.due === true && !isLast) due.add(row.n);
      else found.push({ ...row, n: left[row.n - 1]!.place });
    }
    left = left.filter((_, index) => due.has(index + 1));
    if (left.length > 0) await send(REVEAL, [left.map(({ call }) => call.channel)]);
  }
  return found;
}

async function leasedBefore(
  calls: readonly LeaseCall[],
  number: string,
  send: Send,
): Promise<readonly LeasedRow[]> {
  const rows = await send<LeasedRow>(LEASED, [calls.map(({ channel }) => channel), number]);
  return rows.filter(({ n }) => n !== null);
}

/** In the order of the statement's parameters. */
function valuesOf(calls: readonly LeaseCall[], number: string, takesWhatIsThere: boolean): readonly Value[] {
  return [
    calls.map(({ channel }) => channel),
    calls.map(({ limit }) => limit),
    calls.map(({ visibilityMs }) => Math.ceil(visibilityMs)),
    calls.map(({ options: { bytes = Infinity } }) => Math.min(bytes, Number.MAX_SAFE_INTEGER)),
    calls.map(({ options }) => options.isTimed === true ? TIMED : HELD),
    number,
    takesWhatIsThere,
  ];
}

function leasedEvent(bytes: Uint8Array, delivery: number): LeasedEvent {
  const { event } = readEvent(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return { tag: event.id, event, delivery };
}
