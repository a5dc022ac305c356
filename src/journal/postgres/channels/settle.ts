/**
 * What consumers say of events: what comes while a statement is under way shares the next one of its kind.
 *
 * @module
 */

import type { HeldEvent, Rejection, TimedLease } from "../../../channels/channel_queues.ts";
import type { Value } from "../../../io/postgres/client.ts";
import type { Statement } from "../../../io/postgres/statement.ts";
import { isStorable, storable } from "../../../io/postgres/storable_text.ts";
import type { Caller } from "./caller.ts";
import { type Call, CallQueue } from "./call_queue.ts";
import { ACKNOWLEDGE, type AppliedRow, EXTEND, REJECT, RELEASE, RENEW, TAKE_BACK } from "./statements.ts";

/** How long a statement may take, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Events of a statement, and calls that may wait. */
const MOST_EVENTS = 5_000;
const MAX_WAITING = 20_000;

/** An event with the values that its statement has for it, behind channel and tag. */
interface NamedEvent {
  readonly tag: string;
  readonly values: readonly (string | number | null)[];
}

interface SettleCall extends Call<readonly string[]> {
  readonly statement: Statement;
  readonly channel: string;
  readonly events: readonly NamedEvent[];
}

/** Carries out what consumers say of events. Each method returns the tags of those that it applied to. */
export class Settler {
  readonly #caller: Caller;
  readonly #calls: CallQueue<Statement, SettleCall>;

  constructor(caller: Caller) {
    this.#caller = caller;
    this.#calls = new CallQueue({
      kindOf: ({ statement }) => statement,
      carryOut: (calls, statement, signal) => this.#carryOut(calls, statement, signal),
      timeoutMs: TIMEOUT_MS,
      mostKeys: MOST_EVENTS,
      mostBytes: Infinity,
      maxWaiting: MAX_WAITING,
      maxWaitingBytes: Infinity,
    });
  }

  acknowledge(channel: string, tags: readonly string[], mayWait: boolean): Promise<readonly string[]> {
    return this.#settle(ACKNOWLEDGE, channel, tags.map((tag) => ({ tag, values: [] })), mayWait);
  }

  takeBack(channel: string, tags: readonly string[]): Promise<readonly string[]> {
    return this.#settle(TAKE_BACK, channel, tags.map((tag) => ({ tag, values: [] })));
  }

  release(channel: string, events: readonly HeldEvent[], delayMs: number): Promise<readonly string[]> {
    const delay = Math.ceil(delayMs);
    const named = events.map(({ tag, delivery = null }) => ({ tag, values: [delivery, delay] }));
    return this.#settle(RELEASE, channel, named);
  }

  renew(channel: string, tags: readonly string[], visibilityMs: number): Promise<readonly string[]> {
    const visibility = Math.ceil(visibilityMs);
    return this.#settle(RENEW, channel, tags.map((tag) => ({ tag, values: [visibility] })));
  }

  extend(channel: string, leases: readonly TimedLease[], visibilityMs: number): Promise<readonly string[]> {
    const visibility = Math.ceil(visibilityMs);
    const named = leases.map(({ tag, delivery }) => ({ tag, values: [delivery, visibility] }));
    return this.#settle(EXTEND, channel, named);
  }

  reject(
    channel: string,
    events: readonly HeldEvent[],
    { code, message, attempts }: Rejection,
  ): Promise<readonly string[]> {
    const named = events.map(({ tag, delivery = null }) => ({
      tag,
      values: [delivery, code, storable(message), attempts ?? null],
    }));
    return this.#settle(REJECT, channel, named);
  }

  /** Refuses what waits. */
  end(): void {
    this.#calls.end();
  }

  #settle(
    statement: Statement,
    channel: string,
    events: readonly NamedEvent[],
    mayWait = false,
  ): Promise<readonly string[]> {
    // An event that is named twice is dealt with once, as it was named first.
    const byTag = new Map(events.toReversed().map((event) => [event.tag, event]));
    // Consumers name what they like: nothing stands under a name that the server would refuse the others for.
    const named = events.filter((event) => byTag.get(event.tag) === event && isStorable(event.tag));
    if (named.length === 0) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const keys = named.map(({ tag }) => `${channel}/${tag}`);
    this.#calls.add({ statement, channel, events: named, mayWait, bytes: 0, keys, resolve, reject });
    return promise;
  }

  async #carryOut(calls: readonly SettleCall[], statement: Statement, signal: AbortSignal): Promise<void> {
    const values = valuesOf(calls);
    const rows = await this.#caller.run((send) => send<AppliedRow>(statement, values), signal);
    const applied = new Set(rows[0]?.applied ?? []);
    let place = 0;
    for (const { events, resolve } of calls) {
      resolve(events.filter(() => applied.has(++place)).map(({ tag }) => tag));
    }
  }
}

/** In the order of the statement's parameters: an array for each, over the events of all calls. */
function valuesOf(calls: readonly SettleCall[]): readonly Value[] {
  const columns: (string | number | null)[][] = [[], []];
  for (const { channel, events } of calls) {
    for (const { tag, values } of events) {
      for (const [index, value] of [channel, tag, ...values].entries()) (columns[index] ??= []).push(value);
    }
  }
  return columns;
}
