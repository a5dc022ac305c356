/** A reader of queues and topics that shares no code with the gateway's client, or with the broker's. */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { DEBIAN_PYTHON, runPython } from "../python.ts";
import { ACTIVEMQ_USERS } from "./server.ts";
import { patient } from "../patience.ts";

/** A message as a consumer has got it. */
export interface StompMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A frame of STOMP. */
interface Frame extends StompMessage {
  readonly command: string;
}

/** Marks the message that says that there is no more. */
const END = "cwm-test-end";

/** How long a broker may take to answer, also on a machine that does much beside, in milliseconds. */
const ANSWER_MS = 15_000;

/** Where the broker's messages are read, as its admin. */
export class ActivemqDesk implements AsyncDisposable {
  readonly #port: number;
  readonly #socket: Socket;
  readonly #messages = new Map<string, StompMessage[]>();
  readonly #waiting = new Map<string, (frame: Frame) => void>();
  #received = Buffer.alloc(0);
  #count = 0;

  private constructor(port: number, socket: Socket) {
    this.#port = port;
    this.#socket = socket;
    socket.on("error", () => {}); // Who waits for something is tested with a broker that is there.
    socket.on("data", (data: Buffer) => this.#read(data));
  }

  static async open(port: number): Promise<ActivemqDesk> {
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect");
    await using undo = new AsyncDisposableStack();
    const desk = undo.use(new ActivemqDesk(port, socket.setNoDelay(true)));
    const login = { login: "admin", passcode: ACTIVEMQ_USERS.admin };
    const connected = desk.#next("CONNECTED");
    desk.#send("CONNECT", { "accept-version": "1.2", host: "test", ...login });
    await connected;
    undo.move();
    return desk;
  }

  /** A name that no other test has. */
  static name(beginning = "open."): string {
    return `${beginning}${crypto.randomUUID()}`;
  }

  /** Reads everything from now on. @param destination as STOMP names it */
  async subscribe(destination: string): Promise<void> {
    this.#messages.set(destination, []);
    await this.#ask("SUBSCRIBE", { id: destination, destination, ack: "auto" });
  }

  /** Puts a message without a body into a queue. */
  async put(queue: string): Promise<void> {
    await this.#ask("SEND", { destination: `/queue/${queue}`, persistent: "true" });
  }

  /** Everything that the broker had for a destination when this was called, since it was subscribed to. */
  async read(destination: string): Promise<readonly StompMessage[]> {
    const end = `end-${this.#count++}`;
    const ended = this.#next(end);
    // Without a receipt a queue that is full would hold up the connection.
    this.#send("SEND", { destination, [END]: end, receipt: `receipt-${end}` });
    await ended;
    return this.#messages.get(destination)!;
  }

  /** Takes all messages out of a queue. */
  async take(queue: string): Promise<readonly StompMessage[]> {
    const destination = `/queue/${queue}`;
    await this.subscribe(destination);
    const messages = await this.read(destination);
    await this.#ask("UNSUBSCRIBE", { id: destination });
    return messages;
  }

  /** Takes a number of messages out of a queue, as stomp.py of Debian's Python gets them. */
  async takeWithPython(queue: string, count: number): Promise<StompMessage[]> {
    const asked = { port: this.#port, password: ACTIVEMQ_USERS.admin, destination: `/queue/${queue}`, count };
    const text = await runPython("activemq/stomp_get.py", JSON.stringify(asked), DEBIAN_PYTHON);
    return JSON.parse(text).map(({ headers, body }: { headers: Record<string, string>; body: string }) => ({
      headers,
      body: Uint8Array.fromBase64(body),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, "close");
    this.#socket.destroy();
    await closed;
  }

  async #ask(command: string, headers: Record<string, string>): Promise<void> {
    const receipt = `receipt-${this.#count++}`;
    const answered = this.#next(receipt);
    this.#send(command, { ...headers, receipt });
    await answered;
  }

  #send(command: string, headers: Record<string, string>): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    this.#socket.write(`${command}\n${lines.join("")}\n\0`);
  }

  #next(name: string): Promise<Frame> {
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    this.#waiting.set(name, resolve);
    const timer = setTimeout(
      () => reject(new Error(`ActiveMQ does not answer: ${name}`)),
      patient(ANSWER_MS),
    );
    return promise.finally(() => clearTimeout(timer));
  }

  #read(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    for (let frame = this.#parse(); frame !== undefined; frame = this.#parse()) {
      const { command, headers } = frame;
      const end = headers[END];
      if (command === "MESSAGE" && end === undefined) {
        this.#messages.get(headers["subscription"]!)?.push(frame);
      }
      const name = end ?? headers["receipt-id"] ?? command;
      this.#waiting.get(name)?.(frame);
      this.#waiting.delete(name);
    }
  }

  /** Takes the next whole frame out of what was received. */
  #parse(): Frame | undefined {
    let start = 0;
    while (this.#received[start] === 0x0a) start++; // Signs of life.
    const headEnd = this.#received.indexOf("\n\n", start);
    if (headEnd < 0) return undefined;
    const [command = "", ...lines] = this.#received.toString("utf8", start, headEnd).split("\n");
    const headers = Object.fromEntries(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), unescape(line.slice(colon + 1))];
    }));
    const length = headers["content-length"];
    const bodyStart = headEnd + 2;
    const bodyEnd = length === undefined ? this.#received.indexOf(0, bodyStart) : bodyStart + Number(length);
    if (bodyEnd < 0 || bodyEnd >= this.#received.length) return undefined;
    const body = new Uint8Array(this.#received.subarray(bodyStart, bodyEnd));
    this.#received = this.#received.subarray(bodyEnd + 1);
    return { command, headers, body };
  }
}

const ESCAPES: Readonly<Record<string, string>> = { "\\n": "\n", "\\r": "\r", "\\c": ":", "\\\\": "\\" };

function unescape(value: string): string {
  return value.replace(/\\./g, (pair) => ESCAPES[pair] ?? pair);
}
