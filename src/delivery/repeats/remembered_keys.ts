/**
 * What senders have signed of the events that were delivered without the journal: in memory, and written behind into a
 * journal that is open for something else, so that it is known after a restart too.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { RepeatKey } from "../../event/repeat_key.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { Journal, LaneKey, RememberedEvent } from "../../journal/journal.ts";
import { type Deadlines, Timer } from "../../time/deadlines.ts";
import { steadyNow } from "../../time/steady_clock.ts";
import type { DeliveryRoute } from "../route.ts";
import { KeyMemory } from "./key_memory.ts";

/** How long what was accepted may wait to be written, in milliseconds; a commit takes the rest of a second. */
const WRITE_AFTER_MS = 500;

/** Events that wait to be written. Beyond, they are in memory alone. */
const MAX_WAITING = 20_000;

/** Keys of one webhook that are read from the journal, the newest. */
const MAX_RECALLED = 50_000;

/** Where {@linkcode RememberedKeys} keeps what it knows. */
export interface RememberedKeysOptions {
  readonly journal: Pick<Journal, "isOpen" | "recall" | "remember" | "claims">;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  /** The bounded memory. @default one for 100,000 keys */
  readonly memory?: KeyMemory;
}

/** The keys of delivered events. */
export class RememberedKeys {
  readonly #options: RememberedKeysOptions;
  readonly #memory: KeyMemory;
  /** Routes whose webhook was looked up in the journal: one that has changed was perhaps a durable one before. */
  readonly #recalled = new WeakSet<DeliveryRoute>();
  #waiting: RememberedEvent[] = [];
  readonly #timer = new Timer(() => void this.flush());
  #isFailing = false;

  constructor(options: RememberedKeysOptions) {
    this.#options = options;
    this.#memory = options.memory ?? new KeyMemory();
  }

  /** The id of the event of the route that had the key. */
  find({ path }: DeliveryRoute, { key }: RepeatKey): string | undefined {
    return this.#memory.find(path, key, steadyNow());
  }

  /** Remembers the key of an event that was delivered through the route. */
  add({ path }: DeliveryRoute, { namespace, webhook, id: eventId }: VerifiedEvent, key: RepeatKey): void {
    const now = steadyNow();
    this.#memory.add(path, key.key, eventId, now + key.ttlMs, now);
    // Those that are claimed are written with their claims.
    if (this.#options.journal.claims !== undefined) return;
    if (!this.#options.journal.isOpen || this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push({ namespace, webhook, eventId, keys: [key] });
    if (this.#waiting.length === 1) this.#options.deadlines.set(WRITE_AFTER_MS, this.#timer);
  }

  /**
   * Reads what the journal knows of a webhook, before its first event.
   *
   * @returns `undefined` when there is nothing to wait for
   */
  recall(route: DeliveryRoute, lane: LaneKey): Promise<void> | undefined {
    if (this.#recalled.has(route) || !this.#options.journal.isOpen) return undefined;
    this.#recalled.add(route);
    return this.#recall(route, lane);
  }

  async #recall({ path }: DeliveryRoute, { namespace, webhook }: LaneKey): Promise<void> {
    const lane = { namespace, webhook };
    try {
      const recalled = await this.#options.journal.recall(lane, MAX_RECALLED);
      const now = steadyNow();
      for (const { key, eventId, expiresAt } of recalled) {
        // What was accepted meanwhile is newer.
        if (this.#memory.find(path, key, now) !== undefined) continue;
        this.#memory.add(path, key, eventId, expiresAt, now);
      }
    } catch (error) {
      // Its events need no journal: they are taken without it.
      this.#options.logger.warning("What was accepted before cannot be read: repeats of it are delivered", {
        ...lane,
        error,
      });
    }
  }

  /** Writes what waits. Never rejects. */
  async flush(): Promise<void> {
    const { journal, deadlines, logger } = this.#options;
    deadlines.clear(this.#timer);
    const events = this.#waiting;
    if (events.length === 0) return;
    this.#waiting = [];
    try {
      await journal.remember(events);
      this.#isFailing = false;
    } catch (error) {
      if (this.#isFailing) return;
      this.#isFailing = true;
      logger.warning("What was accepted cannot be written: repeats of it are delivered after a restart", {
        error,
      });
    }
  }
}
