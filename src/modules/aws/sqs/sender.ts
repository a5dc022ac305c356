/**
 * Sends messages to one queue.
 *
 * @module
 */

import type { JsonService } from "../json_service.ts";
import { SQS_VERDICTS } from "./errors.ts";
import type { Message } from "./message.ts";
import { Queue } from "./queue.ts";
import type { QueueAddress } from "./queue_address.ts";
import { SEND_ACTION, Sending, type Settle } from "./sending.ts";

/** Sends to one queue. */
export class QueueSender {
  readonly #service: JsonService;
  readonly #queue: Queue;

  constructor(service: JsonService, address: QueueAddress) {
    this.#service = service;
    this.#queue = new Queue(service, address);
  }

  /**
   * Sends messages in their order.
   *
   * @throws {DeliveryError} for all that are not settled by then
   */
  async send(messages: readonly Message[], settle: Settle, signal: AbortSignal): Promise<void> {
    const largest = Math.max(...messages.map(({ bytes }) => bytes));
    const known = await this.#queue.known(largest, signal);
    const sending = new Sending({ service: this.#service, queue: this.#queue, known, settle, signal });
    await sending.sendAll(messages);
  }

  /**
   * Sends a batch of no messages, which is refused for that alone where queue and right are there.
   *
   * @throws {DeliveryError} with the reason why messages would not be taken
   */
  async probe(signal: AbortSignal): Promise<void> {
    this.#queue.forget();
    const { url: QueueUrl } = await this.#queue.known(0, signal);
    const { refusal } = await this.#service.call(SEND_ACTION, { QueueUrl, Entries: [] }, signal);
    if (refusal === undefined || SQS_VERDICTS.isOfContents(refusal)) return;
    throw SQS_VERDICTS.judgeBatch(refusal, this.#queue.place);
  }
}
