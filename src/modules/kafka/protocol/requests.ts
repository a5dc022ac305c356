/**
 * The requests that a producer makes, in the versions without flexible fields. Apache Kafka answers them from
 * 0.11 on.
 *
 * @see https://kafka.apache.org/protocol.html#protocol_messages
 * @module
 */

import { type WireReader, WireWriter } from "./wire.ts";

/** One kind of request. */
export interface Api<Answer> {
  readonly key: number;
  readonly name: string;
  /** Oldest and newest version that is spoken here. */
  readonly versions: readonly [oldest: number, newest: number];
  /** Reads an answer, from behind the number of its request. */
  read(reader: WireReader, version: number): Answer;
}

/** Which versions of each kind of request a broker takes, by the kind's key. */
export type ApiVersions = ReadonlyMap<number, readonly [oldest: number, newest: number]>;

/** Asks a broker what it understands. */
export const apiVersions: Api<{ readonly error: number; readonly versions: ApiVersions }> = {
  key: 18,
  name: "ApiVersions",
  versions: [0, 0],
  read: (reader) => ({
    error: reader.int16(),
    versions: new Map(reader.array(() => [reader.int16(), [reader.int16(), reader.int16()]])),
  }),
};

/** Says how the client is going to log in. */
export const saslHandshake: Api<{ readonly error: number; readonly mechanisms: readonly string[] }> = {
  key: 17,
  name: "SaslHandshake",
  versions: [1, 1],
  read: (reader) => ({ error: reader.int16(), mechanisms: reader.array(() => reader.string() ?? "") }),
};

/** What a broker answers to a message of a login. */
export interface SaslAnswer {
  readonly error: number;
  readonly message: string | null;
  readonly bytes: Uint8Array;
  /** How long the login holds, in milliseconds; 0 without an end. */
  readonly lifetimeMs: number;
}

/** One message of a login. */
export const saslAuthenticate: Api<SaslAnswer> = {
  key: 36,
  name: "SaslAuthenticate",
  versions: [0, 1],
  read: (reader, version) => ({
    error: reader.int16(),
    message: reader.string(),
    bytes: reader.bytes(),
    lifetimeMs: version >= 1 ? Number(reader.int64()) : 0,
  }),
};

/** Where a broker listens. */
export interface BrokerAddress {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** What a broker knows of a topic. */
export interface TopicMetadata {
  readonly error: number;
  readonly name: string;
  readonly partitions: readonly {
    readonly index: number;
    /** The leader's number; -1 when there is none. */
    readonly leader: number;
  }[];
}

/** What a broker knows of its cluster. */
export interface ClusterMetadata {
  readonly brokers: readonly BrokerAddress[];
  readonly topics: readonly TopicMetadata[];
}

/** Asks for brokers and topics. */
export const metadata: Api<ClusterMetadata> = {
  key: 3,
  name: "Metadata",
  versions: [1, 6],
  read: (reader, version) => {
    if (version >= 3) reader.int32(); // How long to hold back.
    const brokers = reader.array(() => {
      const broker = { id: reader.int32(), host: reader.string() ?? "", port: reader.int32() };
      reader.string(); // Rack.
      return broker;
    });
    if (version >= 2) reader.string(); // The cluster's id.
    reader.int32(); // The controller.
    return { brokers, topics: reader.array(() => readTopic(reader, version)) };
  },
};

function readTopic(reader: WireReader, version: number): TopicMetadata {
  const error = reader.int16();
  const name = reader.string() ?? "";
  reader.boolean(); // Whether it is internal.
  const partitions = reader.array(() => {
    reader.int16(); // An error of the partition: without a leader shows in the leader's number.
    const index = reader.int32();
    const leader = reader.int32();
    for (let list = version >= 5 ? 3 : 2; list > 0; list--) reader.array(() => reader.int32()); // Replicas.
    return { index, leader };
  });
  return { error, name, partitions };
}

/** @param topics an empty list for the brokers alone */
export function writeMetadata(topics: readonly string[], version: number): WireWriter {
  const writer = new WireWriter().int32(topics.length);
  for (const topic of topics) writer.string(topic);
  return version >= 4 ? writer.boolean(false) : writer; // Missing topics are not to be created.
}

/** A producer as brokers know it. */
export interface ProducerIdAnswer {
  readonly error: number;
  readonly producerId: bigint;
  readonly epoch: number;
}

/** Asks for a producer id that nobody has had. */
export const initProducerId: Api<ProducerIdAnswer> = {
  key: 22,
  name: "InitProducerId",
  versions: [0, 1],
  read: (reader) => {
    reader.int32(); // How long to hold back.
    return { error: reader.int16(), producerId: reader.int64(), epoch: reader.int16() };
  },
};

const NO_TIMEOUT = 2 ** 31 - 1;

/** For a producer without transactions. */
export function writeInitProducerId(): WireWriter {
  return new WireWriter().string(null).int32(NO_TIMEOUT);
}

/** A broker's answer to the batch for one partition. */
export interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  /** Error code of the protocol, 0 for success. */
  readonly error: number;
  /** What the broker says about the error, from Apache Kafka 2.4 on. */
  readonly message: string | null;
}

/** What a broker answers to record batches. */
export interface ProduceAnswer {
  readonly partitions: readonly PartitionAnswer[];
  /** How long the client is to send nothing more, in milliseconds: it is over its quota. */
  readonly throttleMs: number;
}

/** Hands record batches over. */
export const produce: Api<ProduceAnswer> = {
  key: 0,
  name: "Produce",
  versions: [3, 8],
  read: (reader, version) => {
    const partitions = reader.array(() => {
      const topic = reader.string() ?? "";
      return reader.array(() => readPartition(reader, version, topic));
    }).flat();
    return { partitions, throttleMs: reader.int32() };
  },
};

function readPartition(reader: WireReader, version: number, topic: string): PartitionAnswer {
  const answer = { topic, partition: reader.int32(), error: reader.int16() };
  reader.int64(); // Offset of the first record.
  reader.int64(); // When it was appended.
  if (version >= 5) reader.int64(); // Offset at which the partition begins.
  if (version < 8) return { ...answer, message: null };
  const [first] = reader.array(() => ({ index: reader.int32(), message: reader.string() }));
  return { ...answer, message: reader.string() ?? first?.message ?? null };
}
