import { patient } from "../patience.ts";
/** HTTP/1.1 byte by byte, for what a well-behaved client would never send. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const END_OF_HEAD = encoder.encode("\r\n\r\n");
const END_OF_LINE = encoder.encode("\r\n");

export interface RawResponse {
  readonly status: number;
  /** The status line and the header lines exactly as they came, without the empty line at the end. */
  readonly head: string;
  readonly headers: Headers;
  /** The body without its framing. */
  readonly body: Uint8Array;
  /** The body as UTF-8. */
  readonly text: string;
}

export interface ReadResponseOptions {
  /** The method of the request that this answers: answers to `HEAD` have no body. @default "GET" */
  readonly method?: string;
  /** How long the whole answer may take, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
}

export interface FormatRequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Adds `Content-Length`, unless the headers say how the body is framed. */
  readonly body?: string | Uint8Array;
}

/** The bytes of a regular request, to send whole or cut into pieces. */
export function formatRequest(
  method: string,
  target: string,
  { headers = {}, body }: FormatRequestOptions = {},
): Uint8Array<ArrayBuffer> {
  const bytes = typeof body === "string" ? encoder.encode(body) : body ?? new Uint8Array();
  const names = new Headers(headers);
  const lines = [`${method} ${target} HTTP/1.1`];
  if (!names.has("host")) lines.push("Host: 127.0.0.1");
  if (body !== undefined && !names.has("content-length") && !names.has("transfer-encoding")) {
    lines.push(`Content-Length: ${bytes.length}`);
  }
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return concatenate([encoder.encode(lines.join("\r\n") + "\r\n\r\n"), bytes]);
}

/** One chunk of a body with `Transfer-Encoding: chunked`; the empty one ends the body. */
export function formatChunk(data: string): string {
  return `${encoder.encode(data).length.toString(16)}\r\n${data}\r\n`;
}

/**
 * A TCP connection to an HTTP/1.1 server. Nothing is sent that the test does not write; any number of
 * requests and answers may follow each other.
 *
 *     await using connection = await RawHttpConnection.open(gateway.port);
 *     await connection.write("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
 *     assertEquals((await connection.readResponse()).status, 400);
 */
export class RawHttpConnection implements AsyncDisposable {
  readonly #connection: Deno.TcpConn;
  #received: Uint8Array<ArrayBuffer> = new Uint8Array();
  #closed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(port: number, hostname = "127.0.0.1"): Promise<RawHttpConnection> {
    return new RawHttpConnection(await Deno.connect({ hostname, port }));
  }

  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    for (let written = 0; written < bytes.length;) {
      written += await this.#connection.write(bytes.subarray(written));
    }
  }

  /** Says that nothing more will be sent, and goes on reading. */
  closeWrite(): Promise<void> {
    return this.#connection.closeWrite();
  }

  /** Breaks the connection off, whatever is under way on it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  /**
   * Reads the next answer. An interim one such as `100 Continue` is an answer of its own, without a body.
   *
   * @throws {Error} with the bytes so far when the answer does not arrive in time or breaks off
   */
  readResponse({ method = "GET", timeoutMs = 10_000 }: ReadResponseOptions = {}): Promise<RawResponse> {
    return this.#within(timeoutMs, "receive a complete answer", async () => {
      const head = decoder.decode(await this.#readThrough(END_OF_HEAD));
      const [statusLine = "", ...headerLines] = head.split("\r\n");
      const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1]);
      if (Number.isNaN(status)) {
        throw new Error(`The answer does not begin with a status line: ${statusLine}`);
      }
      const headers = new Headers(headerLines.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }));
      const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
      const body = hasBody ? await this.#readBody(headers) : new Uint8Array();
      return { status, head, headers, body, text: decoder.decode(body) };
    });
  }

  /**
   * Waits until the server closes the connection, and returns what it sent before that.
   *
   * @throws {Error} when the connection is still open after that time
   */
  readToEnd({ timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {}): Promise<Uint8Array> {
    return this.#within(timeoutMs, "see the connection closed", async () => {
      while (await this.#receive());
      return this.#take(this.#received.length);
    });
  }

  // deno-lint-ignore require-await -- the interface asks for a promise
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #readBody(headers: Headers): Promise<Uint8Array> {
    if (headers.get("transfer-encoding")?.toLowerCase() === "chunked") return await this.#readChunks();
    const length = headers.get("content-length");
    if (length !== null) return await this.#readBytes(Number(length));
    while (await this.#receive());
    return this.#take(this.#received.length);
  }

  async #readChunks(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    while (true) {
      const size = Number.parseInt(decoder.decode(await this.#readThrough(END_OF_LINE)), 16);
      if (size > 0) chunks.push(await this.#readBytes(size));
      // After the last chunk stands the end of the trailers, which no server of ours sends.
      await this.#readThrough(END_OF_LINE);
      if (size === 0) return concatenate(chunks);
    }
  }

  async #readBytes(count: number): Promise<Uint8Array> {
    while (this.#received.length < count) await this.#receiveMore();
    return this.#take(count);
  }

  /** Reads up to a mark; returns what stands before it and skips the mark. */
  async #readThrough(mark: Uint8Array): Promise<Uint8Array> {
    let index = indexOf(this.#received, mark);
    while (index === -1) {
      await this.#receiveMore();
      index = indexOf(this.#received, mark);
    }
    const before = this.#take(index);
    this.#take(mark.length);
    return before;
  }

  #take(count: number): Uint8Array {
    const taken = this.#received.slice(0, count);
    this.#received = this.#received.slice(count);
    return taken;
  }

  async #receiveMore(): Promise<void> {
    if (!await this.#receive()) throw new Error("The server closed the connection");
  }

  /** Returns `false` when the server has closed the connection, orderly or not. */
  async #receive(): Promise<boolean> {
    const buffer = new Uint8Array(64 * 1024);
    let count: number | null;
    try {
      count = await this.#connection.read(buffer);
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    }
    if (count === null) return false;
    this.#received = concatenate([this.#received, buffer.subarray(0, count)]);
    return true;
  }

  /** Bounds a read: a pending one can only be ended by closing the connection. */
  async #within<T>(timeoutMs: number, what: string, read: () => Promise<T>): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.close();
    }, patient(timeoutMs));
    try {
      return await read();
    } catch (cause) {
      const reason = late
        ? `time was up after ${timeoutMs} ms`
        : cause instanceof Error
        ? cause.message
        : cause;
      const rest = decoder.decode(this.#received);
      throw new Error(`Cannot ${what}: ${reason}; unread bytes: ${JSON.stringify(rest)}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function indexOf(bytes: Uint8Array, mark: Uint8Array): number {
  return bytes.findIndex((_, start) => mark.every((byte, offset) => bytes[start + offset] === byte));
}
