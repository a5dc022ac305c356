/**
 * What waits of each webhook, for metrics. How many events those are is known; since when the oldest waits stands in
 * the journal, and is looked up between scrapes: asking takes time, and a scrape must not.
 *
 * @module
 */

import type { LaneBacklog } from "../../journal/journal.ts";
import type { EventRecords } from "../../records/records.ts";
import type { WaitingEvents } from "../event_metrics.ts";

/** Webhooks whose oldest event is looked up after one scrape. */
const MAX_LOOKS = 1_000;

/** Pages that a look may take: a webhook whose events stand behind very many others has no age then. */
const MAX_PAGES = 20;

/** Knows what waits of each webhook. Disposal waits for the look that is under way, and begins no other. */
export class WaitingLooks implements AsyncDisposable {
  readonly #records: Pick<EventRecords, "list">;
  readonly #lanes: () => Iterable<LaneBacklog>;
  /** By `namespace/id`: when the oldest event was received, in milliseconds since 1970. */
  #oldest: ReadonlyMap<string, number> = new Map();
  #looking: Promise<void> | undefined;
  #closed = false;

  /** @param lanes how many events of each webhook wait */
  constructor(records: Pick<EventRecords, "list">, lanes: () => Iterable<LaneBacklog>) {
    this.#records = records;
    this.#lanes = lanes;
  }

  /** What is known now. A look for the next time begins. */
  *read(): Iterable<WaitingEvents> {
    if (!this.#closed) this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    const now = Date.now();
    for (const { namespace, webhook, pending } of this.#lanes()) {
      const receivedAt = this.#oldest.get(`${namespace}/${webhook}`);
      const oldestAgeMs = receivedAt === undefined ? undefined : Math.max(0, now - receivedAt);
      yield { namespace, webhook, pending, oldestAgeMs };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    const found = new Map<string, number>();
    try {
      const waiting = Array.from(this.#lanes()).filter(({ pending }) => pending > 0).slice(0, MAX_LOOKS);
      for (const lane of waiting) {
        if (this.#closed) return;
        const receivedAt = await this.#oldestOf(lane);
        if (receivedAt !== undefined) found.set(`${lane.namespace}/${lane.webhook}`, receivedAt);
      }
    } catch {
      // The journal has reported why it cannot be read; what was found until then is true.
    }
    this.#oldest = found;
  }

  async #oldestOf({ namespace, webhook }: LaneBacklog): Promise<number | undefined> {
    const filter = { namespace, webhook, states: ["waiting", "under_way"] } as const;
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const found = await this.#records.list(filter, { order: "oldest", limit: 1, contents: false, cursor });
      if (found.records[0] !== undefined) return found.records[0].receivedAt;
      cursor = found.cursor;
      if (cursor === undefined) return undefined;
    }
    return undefined;
  }
}
