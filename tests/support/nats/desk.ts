/** A client of NATS of a few lines, which shares no code with the gateway's: it makes streams and reads them. */

import { Buffer } from "node:buffer";

/** How somebody logs in who may do everything. */
export type DeskLogin = Readonly<Record<string, string>>;

/** A message as a stream has it. */
export interface StoredMessage {
  readonly subject: string;
  /** As they were written, without the first line. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** An answer of JetStream. */
type Answer = Readonly<Record<string, unknown>>;

const INBOX = "cwm.desk";
const OPENING = /^(INFO|PING|PONG|\+OK|-ERR|MSG|HMSG)([^\r\n]*)\r\n/;

const decoder = new TextDecoder();

/** One connection. */
export class NatsDesk implements AsyncDisposable {
  readonly #socket: Deno.Conn;
  readonly #waiting = new Map<string, (body: Buffer) => void>();
  readonly #heard: StoredMessage[] = [];
  readonly #reading: Promise<void>;
  #pongs: (() => void)[] = [];
  #asked = 0;

  private constructor(socket: Deno.Conn) {
    this.#socket = socket;
    this.#reading = this.#read();
  }

  static async open(port: number, login: DeskLogin = {}): Promise<NatsDesk> {
    const desk = new NatsDesk(await Deno.connect({ hostname: "127.0.0.1", port }));
    const options = { verbose: false, pedantic: false, headers: true, no_responders: false, ...login };
    await desk.#write(`CONNECT ${JSON.stringify(options)}\r\nSUB ${INBOX}.* 1\r\n`);
    await desk.#ping();
    return desk;
  }

  /** Makes a stream. @param more further settings of it */
  async createStream(name: string, subjects: readonly string[], more: Answer = {}): Promise<void> {
    const settings = { name, subjects, storage: "file", num_replicas: 1, ...more };
    await this.#ask(`$JS.API.STREAM.CREATE.${name}`, settings);
  }

  async updateStream(name: string, subjects: readonly string[], more: Answer): Promise<void> {
    await this.#ask(`$JS.API.STREAM.UPDATE.${name}`, {
      name,
      subjects,
      storage: "file",
      num_replicas: 1,
      ...more,
    });
  }

  async deleteStream(name: string): Promise<void> {
    await this.#ask(`$JS.API.STREAM.DELETE.${name}`, {});
  }

  /** All messages of a stream, in its order. */
  async messages(stream: string): Promise<readonly StoredMessage[]> {
    const { state } = await this.#ask(`$JS.API.STREAM.INFO.${stream}`, {});
    const { first_seq, last_seq, messages } = state as Record<string, number>;
    if (messages === 0) return [];
    const numbers = Array.from({ length: last_seq! - first_seq! + 1 }, (_, index) => first_seq! + index);
    return await Promise.all(numbers.map(async (seq) => {
      const { message } = await this.#ask(`$JS.API.STREAM.MSG.GET.${stream}`, { seq });
      const { subject = "", hdrs = "", data = "" } = message as Record<string, string>;
      const headers = headersIn(Buffer.from(hdrs, "base64").toString("utf8"));
      return { subject, headers, body: new Uint8Array(Buffer.from(data, "base64")) };
    }));
  }

  /** Listens to a subject with core NATS. */
  async listen(subject: string): Promise<void> {
    await this.#write(`SUB ${subject} 2\r\n`);
    await this.#ping();
  }

  /** What it has heard of core NATS, up to everything that the server had read when this was called. */
  async heard(): Promise<readonly StoredMessage[]> {
    await this.#ping();
    return this.#heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#socket.close();
    } catch {
      // The server has ended it.
    }
    await this.#reading;
  }

  async #ask(subject: string, question: Answer): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    const inbox = `${INBOX}.${this.#asked++}`;
    this.#waiting.set(inbox, resolve);
    const body = JSON.stringify(question);
    await this.#write(`PUB ${subject} ${inbox} ${Buffer.byteLength(body)}\r\n${body}\r\n`);
    const answer = JSON.parse((await promise).toString("utf8")) as Answer;
    if ("error" in answer) throw new Error(`${subject}: ${JSON.stringify(answer["error"])}`);
    return answer;
  }

  async #ping(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pongs.push(resolve);
    await this.#write("PING\r\n");
    await promise;
  }

  async #write(text: string): Promise<void> {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(await this.#socket.write(bytes));
  }

  async #read(): Promise<void> {
    let bytes = Buffer.alloc(0);
    const piece = new Uint8Array(256 * 1024);
    for (;;) {
      const length = await this.#socket.read(piece).catch(() => null);
      if (length === null) return;
      bytes = Buffer.concat([bytes, piece.subarray(0, length)]);
      bytes = bytes.subarray(await this.#take(bytes));
    }
  }

  /** @returns how many bytes were complete */
  async #take(bytes: Buffer): Promise<number> {
    let start = 0;
    for (;;) {
      const [line, kind, rest = ""] = OPENING.exec(bytes.toString("latin1", start, start + 8192)) ?? [];
      if (line === undefined) return start;
      const words = rest.trim().split(" ");
      const length = kind?.endsWith("MSG") === true ? Number(words.at(-1)) + 2 : 0;
      const from = start + line.length;
      if (bytes.length < from + length) return start;
      start = from + length;
      if (kind === "PING") await this.#write("PONG\r\n");
      else if (kind === "PONG") this.#pongs.shift()?.();
      else if (length > 0) this.#message(words, kind === "HMSG", bytes.subarray(from, from + length - 2));
    }
  }

  #message(words: readonly string[], hasHeaders: boolean, payload: Buffer): void {
    const [subject = "", subscription] = words;
    const headerLength = hasHeaders ? Number(words.at(-2)) : 0;
    const body = payload.subarray(headerLength);
    if (subscription === "1") {
      this.#waiting.get(subject)?.(Buffer.from(body));
      this.#waiting.delete(subject);
      return;
    }
    const headers = headersIn(decoder.decode(payload.subarray(0, headerLength)));
    this.#heard.push({ subject, headers, body: new Uint8Array(body) });
  }
}

function headersIn(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\r\n").slice(1).filter((line) => line !== "");
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
}

/** The id of the event that a message is of; empty where none is said. */
export function eventIdOf({ headers }: Pick<StoredMessage, "headers">): string {
  return headers.get("cwm-event-id") ?? "";
}
