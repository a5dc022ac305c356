/**
 * What a pack's row says of its events once one of them was held up: `held`, a JSON array of those that are not done.
 *
 *     [[index, attempts, due, code, message, connection, progress], …]
 *
 * What stands at the end of an entry and is `null` is left out. Of a pack whose events are done and kept, the entries
 * are the indexes of those that were not delivered.
 *
 * @module
 */

import type { AttemptFailure } from "../../../dead_letters/dead_letters.ts";

/** What is known of an event that is not done. */
export interface HeldEvent {
  readonly index: number;
  readonly attempts: number;
  /** When it may be attempted again, by `steadyNow`; 0: now. */
  readonly dueAt: number;
  /** Why the last attempt failed. */
  readonly failure: AttemptFailure | undefined;
  readonly progress: string | undefined;
}

type Entry = readonly (number | string | null)[];

/** As it is stored. */
export function encodeHeld(events: readonly HeldEvent[]): string {
  return JSON.stringify(events.map(({ index, attempts, dueAt, failure, progress }) => {
    const entry = [index, attempts, dueAt === 0 ? null : dueAt];
    if (failure === undefined && progress === undefined) return dueAt === 0 ? [index, attempts] : entry;
    return [
      ...entry,
      failure?.code ?? null,
      failure?.message ?? null,
      failure?.connection ?? null,
      progress ?? null,
    ];
  }));
}

/** What was stored. */
export function decodeHeld(held: unknown): readonly HeldEvent[] {
  return (held as readonly Entry[]).map(([index, attempts, due, code, message, connection, progress]) => ({
    index: Number(index),
    attempts: Number(attempts ?? 0),
    dueAt: Number(due ?? 0),
    failure: typeof code === "string"
      ? { code: code as AttemptFailure["code"], message: String(message), connection: String(connection) }
      : undefined,
    progress: typeof progress === "string" ? progress : undefined,
  }));
}
