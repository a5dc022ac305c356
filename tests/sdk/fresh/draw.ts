/**
 * What fresh requests are made of, drawn at random from a seed.
 *
 * @module
 */

import { SeededRandom } from "../../faults/random.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Pieces of text that SDKs and gateways could read differently. */
const PIECES = [
  "Grüße",
  "你好",
  "🚀",
  "é",
  "\u2028",
  "\u0000",
  '"',
  "\\",
  "/",
  "&=",
  "%41",
  "+ +",
  "\r\n",
  "</x>",
];

/** Draws texts and bytes. */
export class Draw extends SeededRandom {
  /** Letters and digits. */
  letters(length: number): string {
    return Array.from({ length }, () => this.pick([...LETTERS])).join("");
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.between(0, 256));
  }

  /** Text outside of ASCII, and what has a meaning in one of the forms that bodies have. */
  strange(): string {
    return Array.from({ length: this.between(3, 12) }, () => this.pick(PIECES) + this.letters(2)).join("");
  }

  /** With one bit of one byte changed. */
  bitChanged(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const changed = bytes.slice();
    changed[this.between(0, bytes.length)]! ^= 1 << this.between(0, 8);
    return changed;
  }

  /** With one letter or digit changed to another of its kind. */
  characterChanged(text: string): string {
    const places = [...text.matchAll(/[A-Za-z0-9]/g)].map(({ index }) => index);
    const at = this.pick(places);
    const kind = /[0-9a-f]/.test(text[at]!) ? "0123456789abcdef" : LETTERS.slice(0, 52);
    const other = this.pick([...kind].filter((character) => character !== text[at]));
    return text.slice(0, at) + other + text.slice(at + 1);
  }
}
