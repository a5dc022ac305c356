/**
 * Messages on their way to a queue. One counts when SQS lists it as successful, with the digest of the body that was
 * sent; one that its answer does not list may be there or not.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import { halves } from "../../halves.ts";
import type { DeliveryResult } from "../../module.ts";
import { type JsonAnswer, type JsonService, objectsIn } from "../json_service.ts";
import { batchRequest, packBatches } from "./batches.ts";
import { INVALID_CONTENTS, isMissing, SQS_VERDICTS } from "./errors.ts";
import { hasDigest, type Message } from "./message.ts";
import type { KnownQueue, Queue } from "./queue.ts";

/** What SQS is asked to do. */
export const SEND_ACTION = "SendMessageBatch";

/** Gets the result of each message, by its index. */
export type Settle = (index: number, result: DeliveryResult) => void;

/** What sending needs. */
export interface SendingOptions {
  readonly service: JsonService;
  readonly queue: Queue;
  readonly known: KnownQueue;
  readonly settle: Settle;
  readonly signal: AbortSignal;
}

/** Sends messages once. */
export class Sending {
  readonly #options: SendingOptions;
  /** Why none may follow: one before it has to be tried again, and the queue keeps the order. */
  #heldUp: DeliveryError | undefined;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** @throws {DeliveryError} for all that are not settled by then */
  async sendAll(messages: readonly Message[]): Promise<void> {
    const { maxBytes } = this.#options.known;
    const fitting = messages.filter((message) => this.#fits(message));
    for (const batch of packBatches(fitting, maxBytes)) await this.#send(batch);
  }

  #fits({ index, bytes }: Message): boolean {
    const { queue: { place }, known: { maxBytes } } = this.#options;
    if (bytes <= maxBytes) return true;
    const message =
      `The message has ${bytes} bytes with its attributes, and ${place.title} takes ${maxBytes}`;
    this.#settle(index, new DeliveryError("output_rejected", message));
    return false;
  }

  /** A batch that is refused as a whole for what is in it is sent in parts, until what is to blame stands alone. */
  async #send(batch: readonly Message[]): Promise<void> {
    if (this.#heldUp !== undefined) {
      for (const { index } of batch) this.#settle(index, this.#heldUp);
      return;
    }
    const { service, queue, known, signal } = this.#options;
    const { answer, refusal } = await service.call(SEND_ACTION, batchRequest(known.url, batch), signal);
    if (refusal === undefined) return await this.#record(batch, answer);
    if (isMissing(refusal)) queue.forget();
    const error = SQS_VERDICTS.judgeBatch(refusal, queue.place);
    if (!SQS_VERDICTS.isOfContents(refusal)) throw error;
    if (batch.length > 1) { for (const half of halves(batch)) await this.#send(half); }
    else await this.#refuse(batch[0]!, refusal.code, error);
  }

  async #record(batch: readonly Message[], answer: JsonAnswer): Promise<void> {
    const taken = byId(objectsIn(answer, "Successful"));
    const failed = byId(objectsIn(answer, "Failed"));
    for (const [place, message] of batch.entries()) {
      const id = String(place);
      const failure = failed.get(id);
      if (failure === undefined) this.#settle(message.index, this.#resultOf(message, taken.get(id)));
      else await this.#fail(message, failure);
    }
  }

  #resultOf(message: Message, entry: JsonAnswer | undefined): DeliveryResult {
    if (entry !== undefined && hasDigest(message, entry["MD5OfMessageBody"])) return "delivered";
    const { server, title } = this.#options.queue.place;
    const what = entry === undefined ? "does not say whether it has" : "has stored another body than that of";
    return new DeliveryError("output_failed", `${server} ${what} the message: ${title}`);
  }

  async #fail(message: Message, { Code: code, SenderFault: isOfSender }: JsonAnswer): Promise<void> {
    const error = SQS_VERDICTS.judgeOne(String(code), isOfSender === true, this.#options.queue.place);
    await this.#refuse(message, code, error);
  }

  /** Not every server takes the characters that AWS does. */
  async #refuse(message: Message, code: unknown, error: DeliveryError): Promise<void> {
    const encoded = code === INVALID_CONTENTS ? message.inBase64?.() : undefined;
    if (encoded === undefined) this.#settle(message.index, error);
    else if (this.#fits(encoded)) await this.#send([encoded]);
  }

  #settle(index: number, result: DeliveryResult): void {
    const { queue: { isFifo, place: { server, title } }, settle } = this.#options;
    settle(index, result);
    if (!isFifo || result === "delivered" || result.disposition === "dead_letter") return;
    const message = `${server} was not sent the message, since one before it has to come first: ${title}`;
    this.#heldUp ??= new DeliveryError("output_failed", message, { isPartial: true });
  }
}

function byId(entries: readonly JsonAnswer[]): ReadonlyMap<unknown, JsonAnswer> {
  return new Map(entries.map((entry) => [entry["Id"], entry]));
}
