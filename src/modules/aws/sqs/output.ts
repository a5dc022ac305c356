/**
 * The output of `aws_sqs`.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import type { Attempt, Delivery, DeliveryResult, ModuleContext, Output } from "../../module.ts";
import { AwsClient, type AwsService } from "../client.ts";
import type { AwsConnection } from "../connection.ts";
import { type JsonDialect, JsonService } from "../json_service.ts";
import type { SqsConfig } from "./config.ts";
import { SQS_VERDICTS } from "./errors.ts";
import { type Message, messageOf } from "./message.ts";
import { QueueSender } from "./sender.ts";
import type { Settle } from "./sending.ts";

const SQS: AwsService = { title: "SQS", id: "sqs", verdicts: SQS_VERDICTS };
const DIALECT: JsonDialect = { target: "AmazonSQS", version: "1.0" };

/** Sends events to queues of one connection. */
export class SqsOutput implements Output<SqsConfig> {
  readonly #connection: AwsConnection;
  readonly #context: ModuleContext;
  /** By region: the URL of a queue may name another one than the connection. */
  readonly #services = new Map<string, JsonService>();
  /** By the targets of configurations. */
  readonly #senders = new Map<string, QueueSender>();
  #last: QueueSender | undefined;

  constructor(connection: AwsConnection, context: ModuleContext) {
    this.#connection = connection;
    this.#context = context;
  }

  async deliver(batch: readonly Delivery<SqsConfig>[], attempt: Attempt): Promise<readonly DeliveryResult[]> {
    const results: (DeliveryResult | undefined)[] = new Array(batch.length).fill(undefined);
    const settle: Settle = (index, result) => {
      results[index] = result;
      if (result === "delivered") batch[index]!.event.body.doneReading();
      attempt.settle?.(index, result);
    };
    const queues = Map.groupBy(batch.entries(), ([, { config }]) => config.target);
    for (const deliveries of queues.values()) {
      await this.#send(deliveries, settle, attempt.signal).catch((error: unknown) => {
        if (!(error instanceof DeliveryError)) throw error;
        for (const [index] of deliveries) if (results[index] === undefined) settle(index, error);
      });
    }
    return results.map((result) => result ?? new DeliveryError("output_timeout"));
  }

  /** Asks for what the queue that was used last needs; before there is one, for anything. */
  async probe(signal: AbortSignal): Promise<void> {
    if (this.#last !== undefined) return await this.#last.probe(signal);
    const service = this.#serviceIn(this.#connection.region);
    const { refusal } = await service.call("ListQueues", { MaxResults: 1 }, signal);
    if (refusal === undefined || SQS_VERDICTS.isDenied(refusal)) return;
    throw SQS_VERDICTS.judge(refusal, service.name, "its queues");
  }

  async probeFor(config: SqsConfig, signal: AbortSignal): Promise<void> {
    await this.#senderFor(config).probe(signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const service of this.#services.values()) service[Symbol.dispose]();
    return Promise.resolve();
  }

  async #send(
    deliveries: readonly (readonly [index: number, delivery: Delivery<SqsConfig>])[],
    settle: Settle,
    signal: AbortSignal,
  ): Promise<void> {
    const messages: Message[] = [];
    for (const [index, { event, config }] of deliveries) {
      try {
        messages.push(messageOf(event, config, index));
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error;
        settle(index, error);
      }
    }
    if (messages.length === 0) return;
    const sender = this.#last = this.#senderFor(deliveries[0]![1].config);
    await sender.send(messages, settle, signal);
  }

  #senderFor({ queue, target }: SqsConfig): QueueSender {
    let sender = this.#senders.get(target);
    if (sender === undefined) {
      if (queue.url !== undefined && queue.region === undefined && this.#connection.endpoint === undefined) {
        const message =
          `The URL of queue '${queue.name}' is not one of AWS: set endpoint_url of the connection`;
        throw new DeliveryError("output_unavailable", message, { isPartial: true });
      }
      const service = this.#serviceIn(queue.region ?? this.#connection.region);
      this.#senders.set(target, sender = new QueueSender(service, queue));
    }
    return sender;
  }

  /** An endpoint that is configured is the one of all regions. */
  #serviceIn(region: string): JsonService {
    let service = this.#services.get(region);
    if (service === undefined) {
      const connection = { ...this.#connection, region };
      service = new JsonService(AwsClient.open(SQS, connection, this.#context), DIALECT);
      this.#services.set(region, service);
    }
    return service;
  }
}
