import { eventually } from "../eventually.ts";
import { RELAY_TOKEN } from "./world.ts";

type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** Headers of a connector's requests. */
export function relayHeaders(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { authorization: `Bearer ${RELAY_TOKEN}`, "cwm-relay-protocol": "1", ...more };
}

/** A connector's WebSocket by hand: it answers heartbeats, sends what it is told, and keeps what arrives. */
export class RelayStream implements AsyncDisposable {
  /** Everything that has arrived but heartbeats. */
  readonly messages: Message[] = [];
  heartbeats = 0;
  readonly closed: Promise<CloseEvent>;
  readonly #socket: WebSocket;
  #broken: string | undefined;

  private constructor(socket: WebSocket, isSilent: boolean) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data) as Message;
      if (message.type !== "heartbeat") return void this.messages.push(message);
      this.heartbeats++;
      if (!isSilent) this.send({ type: "heartbeat" });
    });
    socket.addEventListener("error", (event) => {
      event.preventDefault();
      this.#broken = (event as ErrorEvent).message;
    });
    this.closed = new Promise((resolve) => socket.addEventListener("close", resolve, { once: true }));
  }

  /** Opens a stream of the channel `inbox` and waits until it is open. */
  static async open(
    origin: string,
    headers: Readonly<Record<string, string>> = {},
    { isSilent = false } = {},
  ): Promise<RelayStream> {
    const url = `${origin.replace(/^http/, "ws")}/connect/stream/inbox`;
    const stream = new RelayStream(new WebSocket(url, { headers: relayHeaders(headers) }), isSilent);
    await eventually(() => {
      if (stream.#broken !== undefined) throw new Error(stream.#broken);
      return stream.messages.length > 0;
    });
    return stream;
  }

  get connectionId(): string {
    return String(this.messages[0]?.["connection_id"]);
  }

  /** The messages that carry events, those of batches one by one. */
  get webhooks(): readonly Message[] {
    return this.messages.flatMap((message) => {
      if (message.type === "webhooks") return message["webhooks"] as Message[];
      return message.type === "webhook" ? [message] : [];
    });
  }

  /** The bodies of the events so far. */
  get bodies(): readonly unknown[] {
    return this.webhooks.map(({ body }) => body);
  }

  async waitForWebhooks(count: number): Promise<readonly Message[]> {
    await eventually(() => {
      if (this.webhooks.length < count) {
        throw new Error(`Expected ${count} messages, got ${this.webhooks.length}`);
      }
    });
    return this.webhooks;
  }

  send(message: unknown): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  ack({ message_id }: Message): void {
    this.send({ type: "ack", message_id });
  }

  async close(code = 1000): Promise<CloseEvent> {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code);
    return await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
