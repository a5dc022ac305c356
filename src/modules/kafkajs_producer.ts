/**
 * Sends records with kafkajs, and tells for each of them what became of it: the library only tells whether
 * all went well.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { LogEntry } from "kafkajs";
import { DeliveryError } from "../errors.ts";
import { RateLimited } from "../observability/rate_limited.ts";
import { judgeAnswer, judgeFailure } from "./kafka_errors.ts";
import type { KafkaRecord, RecordProducer, SendOutcome } from "./kafka_producer.ts";
import { javaPartitioner, type KafkaAddress, KafkaJsClient } from "./kafkajs_client.ts";
import {
  byTopic,
  choosingOnce,
  groupBy,
  holdUpFollowers,
  MissingPartitionError,
  OutgoingMessage,
} from "./kafkajs_messages.ts";

/**
 * How long a topic or partition that is missing, or closed to the gateway, is not asked for again, in
 * milliseconds. Asking holds up the events for other topics.
 */
const SHUN_MS = 2_000;

/** How a try to send messages ended. The messages know their answers. */
interface Ending {
  /** What was thrown; `undefined` when nothing was. */
  readonly failure: unknown;
  /** Whether the client knew of no other topic: then a failure that concerns a topic concerns this one. */
  readonly isOnlyTopic: boolean;
}

/** What follows when messages were not answered. */
interface Consequence {
  /** What to send again, in these parts. */
  readonly parts: OutgoingMessage[][];
  /** Why nothing else can be sent either. */
  readonly unreachable?: DeliveryError;
}

/** Sends through one client at a time; a new one is made after each failure. */
export class KafkaJsProducer implements RecordProducer {
  readonly #address: KafkaAddress;
  readonly #name: string;
  readonly #logger: Logger;
  readonly #choosePartition = choosingOnce(javaPartitioner());
  readonly #reports = new RateLimited();
  /** Until when and why, by topic or by topic and partition: no more of them than webhooks name. */
  readonly #shunned = new Map<string, { readonly until: number; readonly error: DeliveryError }>();
  #client: KafkaJsClient | undefined;
  #isStale = false;
  #closed = false;

  /** @param name the connection's name, for the log */
  constructor(address: KafkaAddress, name: string, logger: Logger) {
    this.#address = address;
    this.#name = name;
    this.#logger = logger;
  }

  async send(records: readonly KafkaRecord[]): Promise<SendOutcome> {
    const messages = records.map((record) => new OutgoingMessage(record, this.#reasonToShun(record)));
    let groups = [messages];
    let unreachable: DeliveryError | undefined;
    while (groups.length > 0 && unreachable === undefined) {
      const group = groups.shift()!.filter(({ result }) => result === undefined);
      if (group.length === 0) continue;
      const ending = await this.#sendGroup(group);
      const unanswered = group.filter(({ answer }) => answer === undefined);
      const parts = this.#takeAnswers(group);
      if (unanswered.length > 0) {
        const consequence = this.#takeFailure(ending, unanswered);
        parts.push(...consequence.parts);
        if (unanswered.length === group.length) unreachable = consequence.unreachable;
      }
      groups = [...parts, ...groups];
      holdUpFollowers(group, groups.flat());
    }
    if (this.#isStale) await this.#discard();
    return {
      results: messages.map(({ result }) => result ?? unreachable!),
      ...(unreachable === undefined ? {} : { unreachable }),
    };
  }

  async probe(signal: AbortSignal): Promise<void> {
    await using client = await this.#open();
    const abort = () => client.abort();
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    try {
      await client.connect();
    } catch (error) {
      throw judgeFailure(error).error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#discard();
  }

  async #sendGroup(group: readonly OutgoingMessage[]): Promise<Ending> {
    for (const message of group) message.answer = undefined;
    try {
      this.#client ??= await this.#open();
      await this.#client.send(byTopic(group));
      return { failure: undefined, isOnlyTopic: false };
    } catch (failure) {
      const isOnlyTopic = this.#client?.topics.size === 1;
      await this.#discard();
      return { failure, isOnlyTopic };
    }
  }

  /** Turns answers into results. Returns what to send again, in these parts. */
  #takeAnswers(group: readonly OutgoingMessage[]): OutgoingMessage[][] {
    const refused: OutgoingMessage[] = [];
    for (const message of group) {
      if (message.answer === 0) message.result = "delivered";
      else if (message.answer !== undefined) refused.push(message);
    }
    return [...groupBy(refused, ({ place }) => place).values()].flatMap((batch) => this.#takeRefusal(batch));
  }

  /** @param batch what one partition got in one request, and was refused as a whole */
  #takeRefusal(batch: OutgoingMessage[]): OutgoingMessage[][] {
    const [{ answer, topic }] = batch as [OutgoingMessage];
    const { error, reach, isStale } = judgeAnswer(answer!, topic);
    if (reach === "batch" && batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      return [batch.slice(0, middle), batch.slice(middle)];
    }
    for (const message of batch) message.result = error;
    this.#isStale ||= isStale;
    return [];
  }

  #takeFailure({ failure, isOnlyTopic }: Ending, unanswered: OutgoingMessage[]): Consequence {
    if (failure instanceof MissingPartitionError) {
      this.#refuseMissingPartitions(failure, unanswered);
      return { parts: [unanswered] };
    }
    const { error, reach } = failure === undefined ? this.#notSent() : judgeFailure(failure);
    // A failure over one topic is thrown for all that the client has ever sent to, without its name.
    const topics = groupBy(unanswered, ({ topic }) => topic);
    if (reach === "topic" && !isOnlyTopic) return { parts: [...topics.values()] };
    for (const message of unanswered) message.result = error;
    if (reach === "topic") this.#shun([...topics.keys()][0]!, error);
    return { parts: [], ...(reach === "cluster" ? { unreachable: error } : {}) };
  }

  #notSent(): ReturnType<typeof judgeFailure> {
    const error = new DeliveryError("output_failed", "Kafka's leaders changed while the event was sent");
    this.#isStale = true;
    return { error, reach: "partition", isStale: true };
  }

  #refuseMissingPartitions(
    { topic, partitions, message }: MissingPartitionError,
    unanswered: readonly OutgoingMessage[],
  ): void {
    for (const outgoing of unanswered) {
      const { partition } = outgoing.record;
      if (outgoing.topic !== topic || partition === undefined || partition < partitions) continue;
      outgoing.result = new DeliveryError("output_failed", `${message}, and there is no ${partition}`);
      this.#shun(`${topic}/${partition}`, outgoing.result);
    }
  }

  #shun(place: string, error: DeliveryError): void {
    this.#shunned.set(place, { until: performance.now() + SHUN_MS, error });
  }

  #reasonToShun({ topic, partition }: KafkaRecord): DeliveryError | undefined {
    if (this.#shunned.size === 0) return undefined;
    for (const place of [topic, `${topic}/${partition}`]) {
      const shunned = this.#shunned.get(place);
      if (shunned === undefined) continue;
      if (performance.now() < shunned.until) return shunned.error;
      this.#shunned.delete(place);
    }
    return undefined;
  }

  async #open(): Promise<KafkaJsClient> {
    if (this.#closed) throw new DeliveryError("output_unavailable", "The Kafka client was closed");
    try {
      return await KafkaJsClient.open(this.#address, this.#choosePartition, (entry) => this.#report(entry));
    } catch (error) {
      const message = `Cannot read the TLS files of ${this.#name}`;
      throw new DeliveryError("output_unavailable", message, { cause: error });
    }
  }

  async #discard(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#isStale = false;
    await client?.[Symbol.asyncDispose]();
  }

  /** What kafkajs reports concerns connections and requests, and repeats with each try. */
  #report({ namespace, log }: LogEntry): void {
    this.#reports.run(namespace, (suppressed) => {
      this.#logger.warning("Kafka client of {connection}: {detail}", {
        connection: this.#name,
        detail: log.message,
        broker: log["broker"],
        suppressed,
      });
    });
  }
}
