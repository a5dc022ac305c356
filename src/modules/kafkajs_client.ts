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
  Partitioners,
  type Producer,
  type SASLOptions,
  type TopicMessages,
} from "kafkajs";
import { repairKafkaJs } from "./kafkajs_repairs.ts";
import { readTls, type TlsFiles } from "./tls.ts";

/** How a cluster is reached. */
export interface KafkaAddress {
  /** Brokers to begin with, as `host:port`; they name the others. */
  readonly brokers: readonly string[];
  /** `undefined` for connections without TLS. */
  readonly tls: TlsFiles | undefined;
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

/** How often kafkajs tries again by itself, which heals connections that were closed while idle. */
const RETRIES = 2;
const RETRY_DELAYS = { initialRetryTime: 100, multiplier: 1, maxRetryTime: 1_000 };

/** An open client. Disposal breaks its connections, whatever is under way. */
export class KafkaJsClient implements AsyncDisposable {
  /** Every topic that was sent to. kafkajs asks for all of them, and fails when one is missing. */
  readonly topics = new Set<string>();
  readonly #kafka: Kafka;
  readonly #sockets = new Set<Socket>();
  readonly #choosePartition: ChoosePartition;
  #producer: Producer | undefined;
  #underway: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(
    address: KafkaAddress,
    ssl: ConnectionOptions | undefined,
    choosePartition: ChoosePartition,
    report: (entry: LogEntry) => void,
  ) {
    this.#choosePartition = choosePartition;
    this.#kafka = new Kafka({
      clientId: "core-webhook-module",
      brokers: shuffled(address.brokers),
      ...(ssl === undefined ? {} : { ssl }),
      // A copy, since kafkajs writes into it.
      ...(address.sasl === undefined ? {} : { sasl: { ...address.sasl } }),
      connectionTimeout: TIMEOUTS.connect,
      requestTimeout: TIMEOUTS.request,
      // Each of the brokers to begin with must have its turn.
      retry: { ...RETRY_DELAYS, retries: Math.max(RETRIES, address.brokers.length) },
      socketFactory: (target) => this.#openSocket(target),
      logLevel: logLevel.WARN,
      logCreator: () => (entry) => {
        if (!this.#closed && entry.level <= logLevel.WARN) report(entry);
      },
    });
  }

  /**
   * Makes a client. It connects when it is first used.
   *
   * @param choosePartition called for each message, and again for each try
   * @param report takes warnings and errors of kafkajs
   * @throws {Error} when a TLS file cannot be read
   */
  static async open(
    address: KafkaAddress,
    choosePartition: ChoosePartition,
    report: (entry: LogEntry) => void,
  ): Promise<KafkaJsClient> {
    repairKafkaJs();
    const ssl = address.tls === undefined ? undefined : await readTls(address.tls);
    return new KafkaJsClient(address, ssl, choosePartition, report);
  }

  /**
   * Sends messages. Those that are `AnsweredMessage`s have been told the brokers' answers when this ends,
   * in whichever way it does.
   *
   * @throws {Error} whatever kafkajs throws when a message could not be sent or was not answered
   */
  async send(messages: TopicMessages[]): Promise<void> {
    for (const { topic } of messages) this.topics.add(topic);
    const isFirst = this.#producer === undefined;
    const producer = this.#openProducer();
    await this.#within(TIMEOUTS.send, async () => {
      if (isFirst) await producer.connect();
      await producer.sendBatch({ topicMessages: messages, acks: ALL_REPLICAS, timeout: TIMEOUTS.replicate });
    });
  }

  /**
   * Resolves when a broker has answered, and taken the user and password where there are any.
   *
   * @throws {Error} whatever kafkajs throws when none does
   */
  async connect(): Promise<void> {
    await this.#within(TIMEOUTS.send, () => this.#openProducer().connect());
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
    await this.#underway;
    await this.#producer?.disconnect();
    await Promise.all(Array.from(this.#sockets, (socket) => new Promise((end) => socket.once("close", end))));
  }

  #openProducer(): Producer {
    return this.#producer ??= this.#kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: () => this.#choosePartition,
      retry: { ...RETRY_DELAYS, retries: RETRIES },
    });
  }

  async #within(milliseconds: number, work: () => Promise<void>): Promise<void> {
    const timer = setTimeout(() => this.abort(), milliseconds);
    const ended = work();
    this.#underway = ended.catch(() => {});
    try {
      await ended;
    } finally {
      clearTimeout(timer);
    }
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

/** Chooses the partition of a message. */
export type ChoosePartition = (args: PartitionerArgs) => number;

/**
 * The Java client's choice: the record's own partition, else by murmur2 over the key, else any. Without a key
 * the partitions take turns.
 */
export function javaPartitioner(): ChoosePartition {
  return Partitioners.DefaultPartitioner();
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
