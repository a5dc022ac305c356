/**
 * How many events channels have room for. To count the events of a channel costs the more the fuller it is, so that is
 * done when it matters: while a quarter of the room that was found is not used up, and for a second at most, events go
 * in uncounted. Near its bound a channel is counted with every statement.
 *
 * @module
 */

/** For how long a count is good, in milliseconds, and how many times the time that it took. */
const VALID_MS = 1_000;
const VALID_TIMES = 50;

/** The part of the room that may be used before the next count: other gateways use it at the same time. */
const USABLE = 1 / 4;

/** For how long a channel that was full is so without another look, in milliseconds, unless something leaves it here. */
const FULL_MS = 100;

/** What was found when a channel was counted last. Times are by `performance.now()`. */
interface Room {
  held: number;
  /** How far it was counted: it may hold more. */
  countedTo: number;
  /** Events that have gone in uncounted since. */
  added: number;
  validUntil: number;
  fullUntil: number;
}

/** What this gateway knows of the room in channels. */
export class ChannelRooms {
  readonly #rooms = new Map<string, Room>();

  /**
   * What the statement is to count up to: `maxSize` as a rule, null where it need not count, and 0 where nothing new may
   * go in.
   */
  bound(channel: string, maxSize: number): number | null {
    const room = this.#rooms.get(channel);
    if (room === undefined) return maxSize;
    const now = performance.now();
    if (now < room.fullUntil) return 0;
    const usable = Math.floor((maxSize - room.held) * USABLE);
    if (now >= room.validUntil || maxSize > room.countedTo || room.added >= usable) return maxSize;
    room.added++;
    return null;
  }

  /** A channel was counted. @param tookMs how long that took, and all else that was done meanwhile */
  counted(channel: string, held: number, countedTo: number, tookMs: number): void {
    const validUntil = performance.now() + Math.max(VALID_MS, tookMs * VALID_TIMES);
    this.#rooms.set(channel, { held, countedTo, added: 0, validUntil, fullUntil: 0 });
  }

  /** A channel has refused an event. */
  full(channel: string): void {
    const fullUntil = performance.now() + FULL_MS;
    this.#rooms.set(channel, { held: 0, countedTo: 0, added: 0, validUntil: 0, fullUntil });
  }

  /** Something has left the channel. */
  emptied(channel: string): void {
    const room = this.#rooms.get(channel);
    if (room !== undefined) room.fullUntil = 0;
  }
}
