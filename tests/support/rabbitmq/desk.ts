/** What tests do at a RabbitMQ past everything that is tested: make queues, and look what has arrived. */

import { Buffer } from "node:buffer";
import { type Channel, type ChannelModel, connect, type GetMessage, type Options } from "amqplib";
import { DEBIAN_PYTHON, runPython } from "../python.ts";

/** A message as an independent client has got it. */
export interface PikaMessage {
  readonly body: Uint8Array;
  readonly exchange: string;
  readonly routing_key: string;
  readonly redelivered: boolean;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A connection of a test's own. Queues and exchanges that it has made go with it. */
export class RabbitmqDesk implements AsyncDisposable {
  readonly #port: number;
  readonly #queues = new Set<string>();
  readonly #exchanges = new Set<string>();
  #model: ChannelModel | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** A name that no other test has. */
  static name(beginning = "test"): string {
    return `${beginning}.${crypto.randomUUID()}`;
  }

  /** Makes a durable queue and returns its name. */
  async makeQueue(args: Readonly<Record<string, unknown>> = {}, name = RabbitmqDesk.name()): Promise<string> {
    const options: Options.AssertQueue = { durable: true, arguments: args };
    await this.#on((channel) => channel.assertQueue(name, options));
    this.clean(name);
    return name;
  }

  /** Makes a durable exchange and returns its name. */
  async makeExchange(type: string, name = RabbitmqDesk.name()): Promise<string> {
    await this.#on((channel) => channel.assertExchange(name, type));
    this.#exchanges.add(name);
    return name;
  }

  async bind(queue: string, exchange: string, key = ""): Promise<void> {
    await this.#on((channel) => channel.bindQueue(queue, exchange, key));
  }

  /** Deletes a queue that the program has made with this desk. */
  clean(queue: string): void {
    this.#queues.add(queue);
  }

  async purgeQueue(queue: string): Promise<void> {
    await this.#on((channel) => channel.purgeQueue(queue));
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.#on((channel) => channel.deleteQueue(queue));
  }

  async deleteExchange(exchange: string): Promise<void> {
    await this.#on((channel) => channel.deleteExchange(exchange));
  }

  async hasQueue(queue: string): Promise<boolean> {
    try {
      await this.#on((channel) => channel.checkQueue(queue));
      return true;
    } catch {
      return false;
    }
  }

  /** Takes all messages out of a queue. */
  async take(queue: string): Promise<GetMessage[]> {
    return await this.#on(async (channel) => {
      const messages: GetMessage[] = [];
      while (true) {
        const message = await channel.get(queue, { noAck: true });
        if (message === false) return messages;
        messages.push(message);
      }
    });
  }

  /** Takes all messages out of a queue, as pika of Debian's Python gets them. */
  async takeWithPika(queue: string): Promise<PikaMessage[]> {
    const text = await runPython(
      "rabbitmq/pika_get.py",
      JSON.stringify({ port: this.#port, queue }),
      DEBIAN_PYTHON,
    );
    return JSON.parse(text).map(({ body, ...rest }: Record<string, unknown>) => ({
      ...rest,
      body: new Uint8Array(Buffer.from(String(body), "base64")),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#queues.size + this.#exchanges.size > 0) {
      await this.#on(async (channel) => {
        for (const queue of this.#queues) await channel.deleteQueue(queue);
        for (const exchange of this.#exchanges) await channel.deleteExchange(exchange);
      });
    }
    await this.#model?.close();
  }

  async #connect(): Promise<ChannelModel> {
    const model = await connect({ hostname: "127.0.0.1", port: this.#port }, { noDelay: true });
    // What is under way on it says so.
    model.on("error", () => this.#model = undefined);
    return model;
  }

  /** On a channel of its own, since an error closes it. */
  async #on<Result>(work: (channel: Channel) => Promise<Result>): Promise<Result> {
    const model = this.#model ??= await this.#connect();
    const channel = await model.createChannel();
    let isClosed = false;
    channel.on("error", () => isClosed = true);
    try {
      return await work(channel);
    } finally {
      if (!isClosed) await channel.close();
    }
  }
}
