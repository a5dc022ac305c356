/**
 * Puts new events of one webhook together in the gateway's thread, which travel to the journal's worker as one piece.
 *
 * @module
 */

import {
  type AppendKeyFields,
  type Pack,
  type PackedEvent,
  packEvents,
  type StoredBody,
} from "./protocol.ts";

/** Events of one pack. Few, since a pack stays in the file as long as one of its events does. */
const MAX_EVENTS = 64;

/** Characters and bytes of one pack: large enough for what comes together of events of 20 KB. */
const MAX_LENGTH = 256 * 1024;

/** What is longer has a row of its own: where a disk is full, there may be no room to unpack it. */
const MAX_EVENT_LENGTH = 32 * 1024;

/** Puts appends of one lane together, as long as they fit. */
export class PackBuilder {
  /** Of its events, by their index in the pack. */
  readonly keys: AppendKeyFields[number][] = [];
  readonly #lane: number;
  readonly #claimed: boolean;
  readonly #receivedAt: number;
  readonly #events: PackedEvent[] = [];
  #length = 0;

  /**
   * @param lane index of the lane in its commit
   * @param receivedAt of its first event, in milliseconds since 1970
   */
  constructor(lane: number, claimed: boolean, receivedAt: number) {
    this.#lane = lane;
    this.#claimed = claimed;
    this.#receivedAt = receivedAt;
  }

  get pack(): Pack {
    return {
      lane: this.#lane,
      claimed: this.#claimed,
      count: this.#events.length,
      receivedAt: this.#receivedAt,
      ...packEvents(this.#events),
      keys: this.keys,
    };
  }

  /** Whether an event of this length, in characters and bytes, may stand in a pack at all. */
  static takes(length: number): boolean {
    return length <= MAX_EVENT_LENGTH;
  }

  hasRoomFor(length: number): boolean {
    return this.#events.length < MAX_EVENTS && this.#length + length <= MAX_LENGTH;
  }

  add(receivedAt: number, id: string, headers: string, body: StoredBody): void {
    this.#events.push({ receivedAt, id, headers, body });
    this.#length += id.length + headers.length + body.length;
  }
}
