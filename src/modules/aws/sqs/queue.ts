/**
 * What has to be known of a queue before messages can be sent to it: its URL, and how large they may be.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import { abortable } from "../../../time/abortable.ts";
import type { JsonAnswer, JsonService } from "../json_service.ts";
import { MAX_BYTES } from "./batches.ts";
import type { BatchPlace } from "../batch_verdicts.ts";
import { isMissing, SQS_VERDICTS } from "./errors.ts";
import type { QueueAddress } from "./queue_address.ts";

const SIZE = "MaximumMessageSize";

/** What is known. */
export interface KnownQueue {
  readonly url: string;
  /** Largest message, in bytes. */
  readonly maxBytes: number;
}

/** A queue, which is asked once. */
export class Queue {
  readonly place: BatchPlace;
  /** Whether it keeps the order of messages. */
  readonly isFifo: boolean;
  readonly #service: JsonService;
  readonly #address: QueueAddress;
  #known: KnownQueue | undefined;
  #asking: Promise<KnownQueue> | undefined;

  constructor(service: JsonService, address: QueueAddress) {
    this.place = { server: service.name, title: `queue '${address.name}'`, right: "sqs:SendMessage" };
    this.isFifo = address.isFifo;
    this.#service = service;
    this.#address = address;
  }

  /**
   * What is known of it. One caller asks for all that come meanwhile.
   *
   * @param bytes of the largest message that is to be sent: the queue may take larger ones than it once did
   * @throws {DeliveryError} when SQS does not say it
   */
  async known(bytes: number, signal: AbortSignal): Promise<KnownQueue> {
    const known = this.#known;
    if (known !== undefined && (bytes <= known.maxBytes || bytes > MAX_BYTES)) return known;
    const asking = this.#asking;
    if (asking === undefined) {
      return await (this.#asking = this.#ask(signal).finally(() => this.#asking = undefined));
    }
    try {
      return await abortable(asking, signal);
    } catch (error) {
      // The time of the one who asked may be up: there is some left here.
      if (!signal.aborted && error instanceof DeliveryError) {
        if (error.code === "output_timeout") return await this.known(bytes, signal);
        throw error;
      }
      const message = `${this.#service.name} did not answer in time`;
      throw new DeliveryError("output_timeout", message, { cause: error });
    }
  }

  /** To be called when SQS does not have it: what is made in its place may be another one. */
  forget(): void {
    this.#known = undefined;
  }

  async #ask(signal: AbortSignal): Promise<KnownQueue> {
    const url = this.#address.url ?? await this.#askUrl(signal);
    const maxBytes = await this.#askSize(url, signal);
    return this.#known = { url, maxBytes };
  }

  async #askUrl(signal: AbortSignal): Promise<string> {
    const reply = await this.#service.call("GetQueueUrl", { QueueName: this.#address.name }, signal);
    if (reply.refusal !== undefined) {
      throw SQS_VERDICTS.judgeBatch(reply.refusal, this.place, "sqs:GetQueueUrl");
    }
    const { QueueUrl: url } = reply.answer;
    if (typeof url === "string") return url;
    throw new DeliveryError("output_failed", `${this.#service.name} gives no URL of ${this.place.title}`);
  }

  /** Who may send need not have the right to know it, and learns of it when a message is refused. */
  async #askSize(QueueUrl: string, signal: AbortSignal): Promise<number> {
    const question = { QueueUrl, AttributeNames: [SIZE] };
    const { answer, refusal } = await this.#service.call("GetQueueAttributes", question, signal);
    if (refusal === undefined) return sizeIn(answer);
    const failure = SQS_VERDICTS.judgeBatch(refusal, this.place, "sqs:GetQueueAttributes");
    if (isMissing(refusal) || !failure.isPartial) throw failure;
    return MAX_BYTES;
  }
}

function sizeIn({ Attributes: attributes }: JsonAnswer): number {
  const size = Number((attributes as JsonAnswer | undefined)?.[SIZE]);
  return Number.isSafeInteger(size) && size > 0 ? size : MAX_BYTES;
}
