/**
 * One kafkajs client, from its first connection to its last. It is thrown away when a request fails: what
 * it knows of topics and brokers may be what is wrong, and a connection that is silent stays open.
 *
 * @module
 */

import { connect, isIP, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import {
  type ISocketFactoryArgs,
  Kafka,
  type LogEntry,
  logLevel,
  type PartitionerArgs,
  type PartitionMetadata,
  type Producer,
  type SASLOptions,
  type TopicMessages,
} from "kafkajs";
import { repairKafkaJs } from "./kafkajs_repairs.ts";
import { loadTls, type TlsSettings } from "./tls.ts";

/** How a cluster is reached. */
export interface KafkaAddress {
  /** Brokers to begin with, as `host:port`; they name the others. */
  readonly brokers: readonly string[];
  /** `undefined` for connections without TLS. */
  readonly tls: TlsSettings | undefined;
  readonly sasl: SASLOptions | undefined;
}

/** How long it may take, in milliseconds, … */
const TIMEOUTS = {
  /** … to connect to one broker, TLS included. */
  connect: 2_000,
  /** … until all replicas have a record; then the broker says that they have not. */
  replicate: 5_000,
  /** … until a broker answers. */
  request: 6_000,
  /** … to send records altogether, so that an attempt learns the reason before its own time is up. */
  send: 8_000,
  /** … until a closed client has let go of its connections. */
  close: 900,
} as const;

/** All replicas that are in step, as many as the topic's `min.insync.replicas` asks for. */
const ALL_REPLICAS = -1;

/** A partition that no topic has. kafkajs drops messages for it without a word. */
const NOWHERE = -1;

/**
 * How kafkajs tries again by itself: not at all for records, since the host does that, but each of the brokers
 * to begin with must have its turn.
 */
const RETRY = { initialRetryTime: 100, multiplier: 1, maxRetryTime: 200 };

/** What is known of a topic's partitions. */
export class TopicPartitions {
  readonly #leaders: ReadonlyMap<number, number>;

  constructor(readonly metadata: PartitionMetadata[]) {
    this.#leaders = new Map(metadata.map(({ partitionId, leader }) => [partitionId, leader]));
  }

  get count(): number {
    return this.metadata.length;
  }

  /** The broker that leads a partition, by its number; `undefined` when none does. */
  leaderOf(partition: number): number | undefined {
    const leader = this.#leaders.get(partition);
    return leader === undefined || leader < 0 ? undefined : leader;
  }
}

/** An open client. Disposal breaks its connections, whatever is under way. */
export class KafkaJsClient implements AsyncDisposable {
  readonly #kafka: Kafka;
  readonly #producer: Producer;
  readonly #sockets = new Set<Socket>();
  readonly #underway = new Set<Promise<void>>();
  readonly #topics = new Map<string, TopicPartitions>();
  #closed = false;

  private constructor(
    address: KafkaAddress,
    ssl: ConnectionOptions | undefined,
    report: (entry: LogEntry) => void,
  ) {
    this.#kafka = new Kafka({
      clientId: "core-webhook-module",
      brokers: shuffled(address.brokers),
      ...(ssl === undefined ? {} : { ssl }),
      // A copy, since kafkajs writes into it.
      ...(address.sasl === undefined ? {} : { sasl: { ...address.sasl } }),
      connectionTimeout: TIMEOUTS.connect,
      requestTimeout: TIMEOUTS.request,
      retry: { ...RETRY, retries: address.brokers.length },
      socketFactory: (target) => this.#openSocket(target),
      logLevel: logLevel.WARN,
      logCreator: () => (entry) => {
        if (!this.#closed && entry.level <= logLevel.WARN) report(entry);
      },
    });
    this.#producer = this.#kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: () => (args) => this.#partitionOf(args),
      retry: { ...RETRY, retries: 0 },
    });
  }

  /**
   * Makes a client. It connects when it is told to.
   *
   * @param report takes warnings and errors of kafkajs
   * @throws {DeliveryError} when a TLS file cannot be read
   */
  static async open(address: KafkaAddress, report: (entry: LogEntry) => void): Promise<KafkaJsClient> {
    repairKafkaJs();
    const ssl = address.tls === undefined ? undefined : await loadTls(address.tls);
    return new KafkaJsClient(address, ssl, report);
  }

  /** Whether there are other topics that kafkajs asks for together with this one. */
  knowsOthersThan(topic: string): boolean {
    return this.#topics.size > (this.#topics.has(topic) ? 1 : 0);
  }

  /**
   * Resolves when a broker has answered, and taken the user and password where there are any.
   *
   * @throws {Error} whatever kafkajs throws when none does
   */
  connect(): Promise<void> {
    return this.#within(TIMEOUTS.send, () => this.#producer.connect());
  }

  /**
   * The partitions of a topic. The first time a broker is asked.
   *
   * @throws {Error} whatever kafkajs throws when the topic, or another one that is known, is not there
   */
  async partitionsOf(topic: string): Promise<TopicPartitions> {
    if (!this.#topics.has(topic)) {
      // kafkajs has no other way to ask: a message without a place is asked a partition for and not sent.
      await this.send([{ topic, messages: [{ value: null }] }]);
    }
    return this.#topics.get(topic) ?? new TopicPartitions([]);
  }

  /**
   * Sends messages to the partitions that they name. Those that are `AnsweredMessage`s have been told the
   * brokers' answers when this ends, in whichever way it does.
   *
   * @throws {Error} whatever kafkajs throws when a broker did not answer
   */
  send(topicMessages: TopicMessages[]): Promise<void> {
    const options = { topicMessages, acks: ALL_REPLICAS, timeout: TIMEOUTS.replicate };
    return this.#within(TIMEOUTS.send, () => this.#producer.sendBatch(options));
  }

  /** Breaks all connections and lets none be made any more: what is under way fails soon. */
  abort(): void {
    this.#closed = true;
    const reason = new Error("The Kafka client was closed");
    for (const socket of this.#sockets) socket.destroy(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    const late = new AbortController();
    await Promise.race([
      this.#end(),
      sleep(TIMEOUTS.close, undefined, { signal: late.signal }).catch(() => {}),
    ]);
    late.abort();
  }

  async #end(): Promise<void> {
    await Promise.all(this.#underway);
    await this.#producer.disconnect();
    await Promise.all(Array.from(this.#sockets, (socket) => new Promise((end) => socket.once("close", end))));
  }

  async #within(milliseconds: number, work: () => Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underway.add(promise);
    const timer = setTimeout(() => this.abort(), milliseconds);
    try {
      await work();
    } finally {
      clearTimeout(timer);
      this.#underway.delete(promise);
      resolve();
    }
  }

  #partitionOf({ topic, message, partitionMetadata }: PartitionerArgs): number {
    if (this.#topics.get(topic)?.metadata !== partitionMetadata) {
      this.#topics.set(topic, new TopicPartitions(partitionMetadata));
    }
    return message.partition ?? NOWHERE;
  }

  #openSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    if (this.#closed) throw new Error("Cannot connect with a client that was closed");
    const socket = ssl
      // Server names are host names by RFC 6066. An address is checked as the `host` that it is.
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
      : connect({ host, port }, onConnect);
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}

/** In another order each time, so that instances do not all begin with the same broker. */
function shuffled(brokers: readonly string[]): string[] {
  const order = [...brokers];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
