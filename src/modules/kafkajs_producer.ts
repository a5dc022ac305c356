/**
 * Sends records with kafkajs, and tells for each of them what became of it: the library only tells whether
 * all went well.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { type LogEntry, Partitioners } from "kafkajs";
import { DeliveryError } from "../errors.ts";
import { RateLimited } from "../observability/rate_limited.ts";
import { judgeAnswer, judgeFailure, type Judgement, judgeMissing } from "./kafka_errors.ts";
import type { KafkaRecord, RecordProducer, Report } from "./kafka_producer.ts";
import { type KafkaAddress, KafkaJsClient, TopicPartitions } from "./kafkajs_client.ts";
import { byTopic, groupBy, holdUpFollowers, openOnes, OutgoingMessage } from "./kafkajs_messages.ts";

/** How long a topic or partition that cannot be sent to is not asked for again, in milliseconds. */
const SHUN_MS = 1_000;

/**
 * One call for all brokers is a fifth faster, but when one of them is dead, kafkajs sends nothing to the others.
 * So each is sent to by itself until this long after the last failure, in milliseconds.
 */
const SEPARATE_MS = 60_000;

/** kafkajs sends nothing, and says nothing, where leaders or partitions turn out to be others than it thought. */
const CHANGED = "Kafka's partitions changed while the event was sent";

/** Sends through one client at a time; a new one is made after each failure. */
export class KafkaJsProducer implements RecordProducer {
  readonly #address: KafkaAddress;
  readonly #name: string;
  readonly #logger: Logger;
  /**
   * As the Java client does: the record's own partition, else by murmur2 over the key; without a key the
   * partitions that have a leader take turns.
   */
  readonly #choosePartition = Partitioners.DefaultPartitioner();
  readonly #reports = new RateLimited();
  readonly #shunned = new ShunnedPlaces();
  #client: KafkaJsClient | undefined;
  #isStale = false;
  /** Until when each broker gets a request of its own. */
  #separateUntil = 0;
  #closed = false;

  /** @param name the connection's name, for the log */
  constructor(address: KafkaAddress, name: string, logger: Logger) {
    this.#address = address;
    this.#name = name;
    this.#logger = logger;
  }

  async send(records: readonly KafkaRecord[], report: Report): Promise<DeliveryError | undefined> {
    const messages = records.map((record, index) => {
      return new OutgoingMessage(record, (result) => report(index, result));
    });
    const unreachable = await this.#assignAllPartitions(messages) ??
      await this.#sendToBrokers(openOnes(messages));
    if (unreachable !== undefined) settleAll(messages, unreachable);
    // Closed meanwhile, a client that was being opened is nobody else's to close.
    if (unreachable !== undefined || this.#isStale || this.#closed) await this.#discard();
    return unreachable;
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

  /** @returns why the cluster cannot be reached, if so */
  async #assignAllPartitions(messages: readonly OutgoingMessage[]): Promise<DeliveryError | undefined> {
    for (const [topic, ofTopic] of groupBy(messages, (message) => message.topic)) {
      const partitions = this.#shunned.reason(topic) ?? await this.#partitionsOf(topic);
      if (partitions instanceof TopicPartitions) {
        for (const message of ofTopic) this.#assignPartition(message, partitions);
      } else {
        if (partitions.reach === "cluster") return partitions.error;
        settleAll(ofTopic, partitions.error);
      }
    }
    return undefined;
  }

  async #partitionsOf(topic: string): Promise<TopicPartitions | Judgement> {
    try {
      return await (await this.#connected()).partitionsOf(topic);
    } catch (failure) {
      const judgement = judgeFailure(failure);
      if (judgement.reach === "cluster") return judgement;
      const partitions = this.#client?.knowsOthersThan(topic)
        ? await this.#askWithNewClient(topic)
        : judgement;
      if (!(partitions instanceof TopicPartitions)) this.#shunned.add(topic, partitions);
      return partitions;
    }
  }

  /** kafkajs asks for all topics that a client knows, and does not say which of them is missing. */
  async #askWithNewClient(topic: string): Promise<TopicPartitions | Judgement> {
    try {
      await using client = await this.#open();
      await client.connect();
      const partitions = await client.partitionsOf(topic);
      await this.#discard();
      return partitions;
    } catch (failure) {
      return judgeFailure(failure);
    }
  }

  #assignPartition(message: OutgoingMessage, partitions: TopicPartitions): void {
    const { topic } = message;
    message.partition ??= this.#choosePartition({ topic, message, partitionMetadata: partitions.metadata });
    const leader = partitions.leaderOf(message.partition);
    if (leader !== undefined) {
      message.leader = leader;
      return;
    }
    // What the client knows may be out of date; it is asked anew, but not each time.
    const { place } = message;
    let reason = this.#shunned.reason(place);
    if (reason === undefined) {
      reason = judgeMissing(topic, message.partition, partitions.count);
      this.#shunned.add(place, reason);
      this.#isStale = true;
    }
    message.settle(reason.error);
  }

  /** @returns why the cluster cannot be reached, if so */
  async #sendToBrokers(messages: readonly OutgoingMessage[]): Promise<DeliveryError | undefined> {
    if (messages.length === 0) return undefined;
    try {
      const client = await this.#connected();
      const byLeader = groupBy(messages, ({ leader }) => leader);
      const isSeparate = performance.now() < this.#separateUntil || byLeader.size === 1;
      const groups = isSeparate ? [...byLeader.values()] : [messages];
      const failures = await Promise.all(groups.map((group) => this.#sendGroup(client, group)));
      if (failures.every((failure) => failure === undefined)) return undefined;
      this.#separateUntil = performance.now() + SEPARATE_MS;
      const isReached = failures.includes(undefined) || messages.some(({ result }) => result === "delivered");
      return isReached || !isSeparate ? undefined : failures[0];
    } catch (failure) {
      return judgeFailure(failure).error;
    }
  }

  /** @returns why some messages were not answered, if so */
  async #sendGroup(
    client: KafkaJsClient,
    messages: readonly OutgoingMessage[],
  ): Promise<DeliveryError | undefined> {
    let parts = [messages];
    while (parts.length > 0) {
      const part = openOnes(parts.shift()!);
      if (part.length === 0) continue;
      const failure = await send(client, part);
      parts = [...this.#takeAnswers(part), ...parts];
      const unanswered = part.filter(({ answer }) => answer === undefined);
      if (unanswered.length > 0) {
        const error = failure ?? new DeliveryError("output_failed", CHANGED);
        this.#isStale = true;
        settleAll([...unanswered, ...parts.flat()], error);
        return error;
      }
      holdUpFollowers(part, parts.flat());
    }
    return undefined;
  }

  /** Turns answers into results. Returns what to send again, in these parts. */
  #takeAnswers(part: readonly OutgoingMessage[]): OutgoingMessage[][] {
    const refused: OutgoingMessage[] = [];
    for (const message of part) {
      if (message.answer === 0) message.settle("delivered");
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
    settleAll(batch, error);
    this.#isStale ||= isStale;
    return [];
  }

  async #connected(): Promise<KafkaJsClient> {
    if (this.#client === undefined) {
      this.#client = await this.#open();
      await this.#client.connect();
    }
    return this.#client;
  }

  async #open(): Promise<KafkaJsClient> {
    if (this.#closed) throw new DeliveryError("output_unavailable", "The connection to Kafka was closed");
    return await KafkaJsClient.open(this.#address, (entry) => this.#report(entry));
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

/**
 * Topics and partitions that are missing, have no leader or are closed to the gateway. They are not asked for
 * each time, since that holds up the events for others. There are no more of them than webhooks use.
 */
class ShunnedPlaces {
  readonly #places = new Map<string, { readonly until: number; readonly reason: Judgement }>();

  add(place: string, reason: Judgement): void {
    this.#places.set(place, { reason, until: performance.now() + SHUN_MS });
  }

  /** Why a topic, or a topic and partition, need not be asked for now. */
  reason(place: string): Judgement | undefined {
    const shunned = this.#places.get(place);
    if (shunned === undefined) return undefined;
    if (performance.now() < shunned.until) return shunned.reason;
    this.#places.delete(place);
    return undefined;
  }
}

/** Sends messages, which are told the brokers' answers. Returns why some have got none, if that is known. */
async function send(
  client: KafkaJsClient,
  messages: readonly OutgoingMessage[],
): Promise<DeliveryError | undefined> {
  for (const message of messages) message.answer = undefined;
  try {
    await client.send(byTopic(messages));
    return undefined;
  } catch (failure) {
    return judgeFailure(failure).error;
  }
}

function settleAll(messages: readonly OutgoingMessage[], result: DeliveryError): void {
  for (const message of messages) message.settle(result);
}
