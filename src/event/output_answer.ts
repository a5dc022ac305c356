/**
 * The answer of an output to an event, on its way back to a sender that waits for it.
 *
 * @module
 */

/** Longest body that goes back, in bytes. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** An answer that can go back to the sender. */
export interface OutputAnswer {
  /** 200 to 299, or 400 to 599: others say nothing to the sender of an event. */
  readonly status: number;
  /** `undefined` where the answer has none. */
  readonly contentType: string | undefined;
  /** At most {@linkcode MAX_ANSWER_BYTES}. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Where an output puts the answer to an event whose sender wants to have it. */
export class AnswerSlot {
  /** The answer to the last attempt; a text says in one sentence why it cannot go back, and `undefined` that there is none. */
  answer: OutputAnswer | string | undefined;
}
