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
import { ChannelFronts } from "./fronts.ts";
import { HELD, LEASE, LEASED, type LeasedRow, REVEAL, TIMED } from "./statements.ts";

/** How long a lease may take, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Channels of a statement, and leases that may wait. */
const MOST_CHANNELS = 200;
const MAX_WAITING = 20_000;

/** How often what has ended is made visible before what is there is leased all the same. */
const MOST_LOOKS = 3;

interface LeaseCall extends Call<readonly LeasedEvent[]> {
  readonly channel: string;
  readonly limit: number;
  readonly visibilityMs: number;
  readonly options: LeaseOptions;
}

/** A lease that is tried. */
interface Look {
  readonly call: LeaseCall;
  /** Of the call among those that are carried out together, from 1. */
  readonly place: number;
  /** The place in the channel that it begins with; null: it is a thorough one. */
  readonly first: number | null;
}

/** Leases events of channels. */
export class Leaser {
  readonly #caller: Caller;
  readonly #onNext: (channel: string, inMs: number) => void;
  readonly #calls: CallQueue<"lease", LeaseCall>;
  readonly #fronts = new ChannelFronts();

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

  /** Events of a channel were given back, or their leases have ended: some may be the oldest ones. */
  returned(channel: string): void {
    this.#fronts.forget(channel);
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
      return lost.length > 0 ? lost : await this.#lease(calls, number, send);
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

  /** Leases; first what has ended is made visible, so that the oldest events come first. */
  async #lease(calls: readonly LeaseCall[], number: string, send: Send): Promise<readonly LeasedRow[]> {
    const found: LeasedRow[] = [];
    let left = calls.map((call, index): Look => ({
      call,
      place: index + 1,
      first: this.#fronts.first(call.channel),
    }));
    for (let looks = 0; left.length > 0; looks++) {
      const isLast = looks === MOST_LOOKS;
      const startedAt = performance.now();
      const rows = await send<LeasedRow>(LEASE, valuesOf(left, number, isLast));
      const tookMs = performance.now() - startedAt;
      const byCall = Map.groupBy(rows, ({ n }) => n);
      const due: Look[] = [];
      const empty: Look[] = [];
      for (const [index, look] of left.entries()) {
        const own = byCall.get(index + 1) ?? [];
        const oldest = own[0]?.seq ?? undefined;
        if (own[0]?.due === true && !isLast) due.push(look);
        else if (oldest === undefined && look.first !== null) empty.push({ ...look, first: null });
        else found.push(...own.map((row) => ({ ...row, n: look.place })));
        if (look.first === null && !due.includes(look)) {
          this.#fronts.looked(look.call.channel, oldest, tookMs);
        }
      }
      if (due.length > 0) await send(REVEAL, [due.map(({ call }) => call.channel)]);
      left = [...due, ...empty];
    }
    return found;
  }
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
function valuesOf(looks: readonly Look[], number: string, takesWhatIsThere: boolean): readonly Value[] {
  const calls = looks.map(({ call }) => call);
  return [
    calls.map(({ channel }) => channel),
    calls.map(({ limit }) => limit),
    calls.map(({ visibilityMs }) => Math.ceil(visibilityMs)),
    calls.map(({ options: { bytes = Infinity } }) => Math.min(bytes, Number.MAX_SAFE_INTEGER)),
    calls.map(({ options }) => options.isTimed === true ? TIMED : HELD),
    number,
    takesWhatIsThere,
    looks.map(({ first }) => first),
  ];
}

function leasedEvent(bytes: Uint8Array, delivery: number): LeasedEvent {
  const { event } = readEvent(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return { tag: event.id, event, delivery };
}
