/**
 * Puts new events of one webhook together in the gateway's thread, which travel to the journal's worker as one piece.
 *
 * @module
 */

import type { AppendKeyFields, Pack } from "./protocol.ts";

/** Events of one pack. Few, since a pack is unpacked as a whole when one of its events is held up. */
const MAX_EVENTS = 64;

/** Characters of one pack. */
const MAX_CHARACTERS = 64 * 1024;

const encoder = new TextEncoder();

/** Puts appends of one lane together, as long as they fit. */
export class PackBuilder {
  /** Of its events, by their index in the pack. */
  readonly keys: AppendKeyFields[number][] = [];
  readonly #lane: number;
  readonly #claimed: boolean;
  readonly #receivedAt: number;
  readonly #fields: number[] = [];
  #count = 0;
  #text = "";

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
      count: this.#count,
      receivedAt: this.#receivedAt,
      fields: JSON.stringify(this.#fields),
      data: encoder.encode(this.#text),
      keys: this.keys,
    };
  }

  /** Whether an event that takes so many characters may stand in a pack at all. */
  static takes(characters: number): boolean {
    return characters <= MAX_CHARACTERS;
  }

  hasRoomFor(characters: number): boolean {
    return this.#count < MAX_EVENTS && this.#text.length + characters <= MAX_CHARACTERS;
  }

  add(receivedAt: number, id: string, headers: string, body: string): void {
    this.#fields.push(receivedAt, id.length, headers.length, body.length);
    this.#text += id + headers + body;
    this.#count++;
  }
}
