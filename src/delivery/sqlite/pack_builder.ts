import { type Pack, PACK_FIELDS } from "./protocol.ts";

/** Events of one pack. Few, since a pack is unpacked as a whole when one of its events is held up. */
const MOST_EVENTS = 64;

/** Characters of one pack. */
const MOST_CHARACTERS = 64 * 1024;

/** Puts appends of one lane together, as long as they fit. */
export class PackBuilder {
  readonly #lane: number;
  readonly #claimed: boolean;
  readonly #fields: number[] = [];
  #text = "";

  /** @param lane index of the lane in its lot */
  constructor(lane: number, claimed: boolean) {
    this.#lane = lane;
    this.#claimed = claimed;
  }

  get pack(): Pack {
    return { lane: this.#lane, claimed: this.#claimed, fields: this.#fields, text: this.#text };
  }

  /** Whether an event that takes so many characters may stand in a pack at all. */
  static takes(characters: number): boolean {
    return characters <= MOST_CHARACTERS;
  }

  hasRoomFor(characters: number): boolean {
    return this.#fields.length < MOST_EVENTS * PACK_FIELDS &&
      this.#text.length + characters <= MOST_CHARACTERS;
  }

  add(receivedAt: number, id: string, headers: string, body: string): void {
    this.#fields.push(receivedAt, id.length, headers.length, body.length);
    this.#text += id + headers + body;
  }
}
