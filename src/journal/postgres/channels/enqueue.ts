/**
 * Events on their way into channels: those that come while a statement is under way share the next one.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { EnqueueOptions } from "../../../channels/channel_queues.ts";
import { DeliveryError } from "../../../errors.ts";
import type { VerifiedEvent } from "../../../event/verified_event.ts";
import type { Value } from "../../../io/postgres/client.ts";
import { type EventToWrite, prepareEvent, writeEvent } from "../event_bytes.ts";
import { Receipts } from "../receipts.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import { type Caller, type FencedRow, randomNumber, type Send } from "./caller.ts";
import { type Call, CallQueue } from "./call_queue.ts";
import type { ChannelRooms } from "./room.ts";
import { ENQUEUE, type EnqueuedRow, INTRODUCE, REFUSED } from "./statements.ts";

/** How long an event may take, in milliseconds: then its sender gets 503. */
const TIMEOUT_MS = 2_000;

/** Events of a statement, and their bytes. */
const MOST_EVENTS = 1_000;
const MOST_BYTES = 4 * 1024 * 1024;

/** Events that may wait, and their bytes. */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Seconds after which a sender should try again that found the channel full. */
const RETRY_AFTER_SECONDS = 1;

interface EnqueueCall extends Call<void> {
  readonly channel: string;
  readonly event: EventToWrite;
  readonly options: EnqueueOptions;
}

interface RefusedRow extends FencedRow {
  readonly full: readonly number[] | null;
}

/** What the events of a statement came to, by their places. */
interface Outcome {
  readonly full: ReadonlySet<number>;
  readonly channels: readonly string[];
}

/** Appends events to channels. */
export class Enqueuer {
  readonly #caller: Caller;
  readonly #rooms: ChannelRooms;
  readonly #onAdded: (channel: string) => void;
  readonly #calls: CallQueue<"enqueue", EnqueueCall>;
  readonly #receipts = new Receipts<string>();

  /** @param onAdded called for each channel that has something new */
  constructor(caller: Caller, rooms: ChannelRooms, onAdded: (channel: string) => void) {
    this.#caller = caller;
    this.#rooms = rooms;
    this.#onAdded = onAdded;
    this.#calls = new CallQueue({
      kindOf: () => "enqueue",
      carryOut: (calls, _kind, signal) => this.#carryOut(calls, signal),
      timeoutMs: TIMEOUT_MS,
      mostKeys: MOST_EVENTS,
      mostBytes: MOST_BYTES,
      maxWaiting: MAX_WAITING,
      maxWaitingBytes: MAX_WAITING_BYTES,
    });
  }

  enqueue(channel: string, event: VerifiedEvent, options: EnqueueOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const prepared = prepareEvent(event);
    const keys = [`${channel}/${event.id}`];
    this.#calls.add({ channel, event: prepared, options, bytes: prepared.length, keys, resolve, reject });
    return promise;
  }

  /** Refuses what waits. */
  end(): void {
    this.#calls.end();
  }

  async #carryOut(calls: readonly EnqueueCall[], signal: AbortSignal): Promise<void> {
    const ticket = randomNumber();
    const { full, channels } = await this.#add(calls, ticket, signal);
    this.#receipts.answered(ticket);
    for (const [index, call] of calls.entries()) {
      if (!full.has(index + 1)) call.resolve();
      else call.reject(isFull(call));
    }
    for (const channel of channels) this.#onAdded(channel);
  }

  async #add(calls: readonly EnqueueCall[], ticket: string, signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.#caller.run((send) => this.#send(calls, ticket, send), signal);
    } catch (error) {
      this.#receipts.gaveUp(ticket);
      throw error;
    }
  }

  async #send(calls: readonly EnqueueCall[], ticket: string, send: Send): Promise<Outcome> {
    const bounds = calls.map(({ channel, options: { maxSize } }) => this.#rooms.bound(channel, maxSize));
    const values = [...valuesOf(calls, bounds), ticket, this.#receipts.over];
    const startedAt = performance.now();
    let row = await enqueued(send, values);
    if (row.known?.length !== calls.length) {
      await introduce(calls, send);
      row = await enqueued(send, values);
    }
    if (row.receipts === 0) return await this.#happened(calls, ticket, row, send);
    const tookMs = performance.now() - startedAt;
    for (const { channel, held, most } of row.counted ?? []) {
      if (most > 0) this.#rooms.counted(channel, held, most, tookMs);
    }
    const full = new Set(row.full ?? []);
    for (const place of full) if (bounds[place - 1] !== 0) this.#rooms.full(calls[place - 1]!.channel);
    return { full, channels: row.channels ?? [] };
  }

  /** What the statement came to when it was sent before. */
  async #happened(
    calls: readonly EnqueueCall[],
    ticket: string,
    { known }: EnqueuedRow,
    send: Send,
  ): Promise<Outcome> {
    if (known?.length !== calls.length) {
      throw new PostgresError("A channel was removed while events were put into it", {
        endsConnection: false,
      });
    }
    const [row] = await send<RefusedRow>(REFUSED, [ticket]);
    return { full: new Set(row?.full), channels: [...new Set(calls.map(({ channel }) => channel))] };
  }
}

async function enqueued(send: Send, values: readonly Value[]): Promise<EnqueuedRow> {
  const [row] = await send<EnqueuedRow>(ENQUEUE, values);
  return row!;
}

/** In the order of the statement's parameters, without the tickets. */
function valuesOf(calls: readonly EnqueueCall[], bounds: readonly (number | null)[]): readonly Value[] {
  const data = Buffer.allocUnsafe(calls.reduce((sum, { event }) => sum + event.length, 0));
  const starts: number[] = [];
  let end = 0;
  for (const { event } of calls) {
    starts.push(end + 1);
    end = writeEvent(data, end, event);
  }
  return [
    calls.map(({ channel }) => channel),
    calls.map(({ event }) => event.event.namespace),
    calls.map(({ event }) => event.event.webhook),
    calls.map(({ event }) => event.event.id),
    calls.map(({ options }) => Math.ceil(options.ttlMs)),
    calls.map(({ event }) => event.event.receivedAt),
    bounds,
    starts,
    calls.map(({ event }) => event.length),
    calls.map(({ event }) => event.event.body.length),
    data,
  ];
}

/** Makes the channels and lanes that are not known yet. */
async function introduce(calls: readonly EnqueueCall[], send: Send): Promise<void> {
  await send(INTRODUCE, [
    calls.map(({ channel }) => channel),
    calls.map(({ event }) => event.event.namespace),
    calls.map(({ event }) => event.event.webhook),
  ]);
}

function isFull({ channel, options: { maxSize } }: EnqueueCall): DeliveryError {
  const message = `The channel ${channel} holds ${maxSize} events, which is its bound`;
  return new DeliveryError("overloaded", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
