/** One client's way through a door of `kafka_front.ts`: looks into requests and answers, and lets them pass. */

import { KAFKA_ERROR } from "./server.ts";
import { Frames, WireReader, WireWriter } from "./wire.ts";
import { type Login, SaslRefusal, SaslServer } from "../sasl_server.ts";

const API = { produce: 0, metadata: 3, saslHandshake: 17, apiVersions: 18, saslAuthenticate: 36 } as const;
const SASL_AUTHENTICATION_FAILED = 58;
const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

export interface DoorwayOptions {
  readonly login?: Login;
  readonly maxMessageBytes?: number;
  readonly throttleMs?: number;
  onBatch?(batch: PartitionData, clientId: string | null): void;
  /** The port of the door in front of a broker's port. */
  portOf(brokerPort: number): number;
  toClient(bytes: Uint8Array): void;
  toBroker(bytes: Uint8Array): void;
  /** Ends the connection. */
  refuse(): void;
}

interface Head {
  readonly api: number;
  readonly version: number;
  readonly correlation: number;
}

/** What one partition is to get. */
export interface PartitionData {
  readonly topic: string;
  readonly partition: number;
  readonly records: Uint8Array;
}

/** What is remembered of a request until its answer comes. */
interface Passed extends Head {
  readonly tooLarge: readonly PartitionData[];
}

export class KafkaDoorway {
  readonly #fromClient = new Frames();
  readonly #fromBroker = new Frames();
  readonly #passed = new Map<number, Passed>();
  #sasl: SaslServer | undefined;

  constructor(private readonly options: DoorwayOptions) {}

  fromClient(chunk: Uint8Array): void {
    for (const request of this.#fromClient.push(chunk)) this.#takeRequest(request);
  }

  fromBroker(chunk: Uint8Array): void {
    for (const answer of this.#fromBroker.push(chunk)) this.#takeAnswer(answer);
  }

  #takeRequest(request: Uint8Array): void {
    const reader = new WireReader(request);
    const head: Head = { api: reader.int16(), version: reader.int16(), correlation: reader.int32() };
    const clientId = reader.string();
    if (head.api === API.saslHandshake) return this.#takeHandshake(head, reader);
    if (head.api === API.saslAuthenticate) return this.#takeLogin(head, reader);
    const isLoggedIn = this.options.login === undefined || this.#sasl?.isDone === true;
    if (!isLoggedIn && head.api !== API.apiVersions) return this.options.refuse();
    if (head.api === API.produce) return this.#takeProduce(head, clientId, reader);
    this.#pass(request, { ...head, tooLarge: [] });
  }

  #pass(request: Uint8Array, passed: Passed): void {
    this.#passed.set(passed.correlation, passed);
    this.options.toBroker(new WireWriter().sized(request).bytes());
  }

  #answer({ correlation }: Head, write: (writer: WireWriter) => void): void {
    const writer = new WireWriter().int32(correlation);
    write(writer);
    this.options.toClient(new WireWriter().sized(writer.bytes()).bytes());
  }

  #takeHandshake(head: Head, reader: WireReader): void {
    const mechanism = reader.string() ?? "";
    if (this.options.login !== undefined) this.#sasl = new SaslServer(mechanism, this.options.login);
    this.#answer(head, (answer) => {
      answer.int16(KAFKA_ERROR.none).array(MECHANISMS, (name) => answer.string(name));
    });
  }

  #takeLogin(head: Head, reader: WireReader): void {
    let error: number = KAFKA_ERROR.none;
    let bytes = new Uint8Array();
    try {
      bytes = new TextEncoder().encode(this.#sasl!.answer(new TextDecoder().decode(reader.sized())));
    } catch (refusal) {
      if (!(refusal instanceof SaslRefusal)) throw refusal;
      error = SASL_AUTHENTICATION_FAILED;
    }
    this.#answer(head, (answer) => {
      answer.int16(error).string(error === KAFKA_ERROR.none ? null : "Refused").sized(bytes);
      if (head.version >= 1) answer.int32(0).int32(0); // How long the login lasts: for ever.
    });
  }

  /** Keeps back what is over the limit, as a broker does: it judges all that one partition gets at once. */
  #takeProduce(head: Head, clientId: string | null, reader: WireReader): void {
    const { maxMessageBytes: limit = Infinity, onBatch } = this.options;
    const transactionalId = reader.string();
    const acks = reader.int16();
    const timeout = reader.int32();
    const all = reader.array(() => {
      const topic = reader.string()!;
      return reader.array((): PartitionData => {
        return { topic, partition: reader.int32(), records: reader.sized() };
      });
    }).flat();
    for (const batch of all) onBatch?.(batch, clientId);
    const passing = all.filter(({ records }) => records.length <= limit);
    const request = new WireWriter().int16(head.api).int16(head.version).int32(head.correlation)
      .string(clientId).string(transactionalId).int16(acks).int32(timeout);
    request.array(passing, ({ topic, partition, records }) => {
      request.string(topic).int32(1).int32(partition).sized(records);
    });
    this.#pass(request.bytes(), { ...head, tooLarge: all.filter(({ records }) => records.length > limit) });
  }

  #takeAnswer(answer: Uint8Array): void {
    const reader = new WireReader(answer);
    const passed = this.#passed.get(reader.int32());
    if (passed === undefined) throw new Error("A broker answered a question that nobody asked");
    this.#passed.delete(passed.correlation);
    this.#answer(passed, (writer) => {
      if (passed.api === API.metadata) this.#rewriteBrokers(passed, reader, writer);
      else if (passed.api === API.apiVersions) this.#addSasl(reader, writer);
      else if (passed.api === API.produce) addRefusals(passed, reader, writer, this.options.throttleMs);
      else writer.raw(reader.rest());
    });
  }

  #rewriteBrokers({ version }: Head, reader: WireReader, writer: WireWriter): void {
    if (version >= 3) writer.int32(reader.int32());
    const brokers = reader.array(() => {
      const broker = { id: reader.int32(), host: reader.string(), port: reader.int32() };
      return { ...broker, rack: version >= 1 ? reader.string() : null };
    });
    writer.array(brokers, ({ id, host, port, rack }) => {
      writer.int32(id).string(host).int32(this.options.portOf(port));
      if (version >= 1) writer.string(rack);
    }).raw(reader.rest());
  }

  #addSasl(reader: WireReader, writer: WireWriter): void {
    writer.int16(reader.int16());
    const ranges = reader.array(() => [reader.int16(), reader.int16(), reader.int16()]);
    if (this.options.login !== undefined) {
      ranges.push([API.saslHandshake, 0, 1], [API.saslAuthenticate, 0, 1]);
    }
    writer.array(ranges, (range) => range.forEach((value) => writer.int16(value))).raw(reader.rest());
  }
}

/** Adds the answers for what was kept back, before the time for which the client is to hold back. */
function addRefusals(
  { version, tooLarge }: Passed,
  reader: WireReader,
  writer: WireWriter,
  throttleMs = 0,
): void {
  writer.int32(reader.int32() + tooLarge.length);
  const rest = reader.rest();
  writer.raw(rest.subarray(0, -4));
  for (const { topic, partition } of tooLarge) {
    writer.string(topic).int32(1).int32(partition).int16(KAFKA_ERROR.messageTooLarge);
    // Offset and time of the first record, and from version 5 on the offset at which the partition begins.
    for (let field = 0; field < (version >= 5 ? 3 : 2); field++) writer.int32(-1).int32(-1);
  }
  writer.int32(throttleMs);
}
