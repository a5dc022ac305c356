/**
 * Doors in front of a cluster, for what librdkafka's brokers do not do themselves: TLS, logging in, and a
 * limit on how much a partition takes at once. All that is let in goes on to the brokers, which store and
 * answer it; only the addresses in their answers are replaced by those of the doors.
 */

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { KafkaDoorway, type PartitionData } from "./doorway.ts";
import type { KafkaServer } from "./server.ts";
import type { Login } from "../sasl_server.ts";

/** What the doors ask for. */
export interface KafkaFrontOptions {
  /** Certificate, key and what else a TLS server takes. @default no TLS */
  readonly tls?: TlsOptions;
  /** @default nobody needs to log in */
  readonly login?: Login;
  /** `max.message.bytes` of all topics. @default no limit */
  readonly maxMessageBytes?: number;
  /** How long clients are told to send nothing after each batch, in milliseconds. @default 0 */
  readonly throttleMs?: number;
  /** Sees each batch before it goes on. */
  onBatch?(batch: PartitionData, clientId: string | null): void;
}

/** What passes a door: whose broker it is, by its number, and both ends. */
interface Passage {
  readonly broker: number;
  readonly sockets: readonly Socket[];
}

/** One door for each broker. */
export class KafkaFront implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];
  readonly #passages = new Set<Passage>();
  readonly #frozen = new Set<number>();

  private constructor(private readonly kafka: KafkaServer, private readonly options: KafkaFrontOptions) {}

  static async start(kafka: KafkaServer, options: KafkaFrontOptions): Promise<KafkaFront> {
    const front = new KafkaFront(kafka, options);
    for (const port of kafka.ports) await front.#open(port);
    return front;
  }

  /** What clients are configured with. */
  get bootstrap(): string {
    return this.#ports.map((port) => `127.0.0.1:${port}`).join(",");
  }

  /** Holds back all that comes to a broker or from it; its door goes on to accept connections, as a frozen one's. */
  freeze(broker: number): void {
    this.#frozen.add(broker);
    for (const { sockets } of this.#passagesOf(broker)) for (const socket of sockets) socket.pause();
  }

  /** Undoes {@linkcode freeze}. */
  thaw(broker: number): void {
    this.#frozen.delete(broker);
    for (const { sockets } of this.#passagesOf(broker)) for (const socket of sockets) socket.resume();
  }

  #passagesOf(broker: number): Passage[] {
    return [...this.#passages].filter((passage) => passage.broker === broker);
  }

  get #ports(): number[] {
    return this.#servers.map((server) => (server.address() as AddressInfo).port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#servers.map((server) => new Promise((end) => server.close(end)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  async #open(brokerPort: number): Promise<void> {
    const { tls } = this.options;
    const welcome = (client: Socket) => this.#welcome(client, brokerPort);
    const server = tls === undefined ? createServer(welcome) : createTlsServer(tls, welcome);
    // TCP connections that never become TLS ones count as well.
    server.on("connection", (socket: Socket) => this.#keep(socket));
    this.#servers.push(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  }

  #welcome(client: Socket, brokerPort: number): void {
    const broker = connect({ host: "127.0.0.1", port: brokerPort });
    for (const socket of [client, broker]) this.#keep(socket);
    client.on("close", () => broker.destroy());
    broker.on("close", () => client.destroy());
    const doorway = new KafkaDoorway({
      ...this.options,
      portOf: (port) => this.#ports[this.kafka.ports.indexOf(port)] ?? port,
      toClient: (bytes) => client.write(bytes),
      toBroker: (bytes) => broker.write(bytes),
      refuse: () => client.destroy(),
    });
    client.on("data", (chunk: Uint8Array) => doorway.fromClient(chunk));
    broker.on("data", (chunk: Uint8Array) => doorway.fromBroker(chunk));
    const passage = { broker: this.kafka.ports.indexOf(brokerPort) + 1, sockets: [client, broker] };
    this.#passages.add(passage);
    client.on("close", () => this.#passages.delete(passage));
    if (this.#frozen.has(passage.broker)) { for (const socket of passage.sockets) socket.pause(); }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {}); // Its end is seen by "close".
  }
}
