/**
 * A subscriber that reads Redis' protocol itself. The client's parser keeps a timer running for a while after
 * it has read a large message, which the leak sanitizer takes for a leak of the test.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const CARRIAGE_RETURN = 13;

/** Collects what is published on a channel until it is disposed or Redis ends. */
export class RedisSubscription implements AsyncDisposable {
  /** What has been published so far. */
  readonly messages: Uint8Array[] = [];
  readonly #connection: Deno.TcpConn;
  readonly #subscribed = Promise.withResolvers<void>();
  readonly #reading: Promise<void>;
  #buffer = new Uint8Array();

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#reading = this.#read();
  }

  /** Resolves when Redis has confirmed the subscription. */
  static async open(port: number, channel: string, password?: string): Promise<RedisSubscription> {
    const connection = await Deno.connect({ port });
    await connection.write(encoder.encode(
      (password === undefined ? "" : `AUTH ${password}\r\n`) +
        `CLIENT SETNAME cwm-test\r\nSUBSCRIBE ${channel}\r\n`,
    ));
    const subscription = new RedisSubscription(connection);
    await subscription.#subscribed.promise;
    return subscription;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      while (true) {
        // "+OK" is the answer to what came before SUBSCRIBE; all else comes in arrays of three, of which the third
        // may be a number.
        const head = await this.#line();
        if (!head.startsWith("*")) continue;
        const kind = decoder.decode(await this.#bulk());
        await this.#bulk();
        if (kind === "message") this.messages.push(await this.#bulk());
        else if (await this.#line()) this.#subscribed.resolve();
      }
    } catch (error) {
      // Closed by the test, or by the end of Redis.
      this.#subscribed.reject(error);
      this.#subscribed.promise.catch(() => {});
    }
  }

  async #line(): Promise<string> {
    let end = this.#buffer.indexOf(CARRIAGE_RETURN);
    while (end === -1) {
      await this.#receive();
      end = this.#buffer.indexOf(CARRIAGE_RETURN);
    }
    return decoder.decode(await this.#take(end));
  }

  async #bulk(): Promise<Uint8Array> {
    return await this.#take(Number((await this.#line()).slice(1)));
  }

  /** Takes so many bytes and the line break after them. */
  async #take(count: number): Promise<Uint8Array> {
    while (this.#buffer.length < count + 2) await this.#receive();
    const taken = this.#buffer.slice(0, count);
    this.#buffer = this.#buffer.slice(count + 2);
    return taken;
  }

  async #receive(): Promise<void> {
    const chunk = new Uint8Array(64 * 1024);
    const count = await this.#connection.read(chunk);
    if (count === null) throw new Error("Redis has ended the connection");
    const joined = new Uint8Array(this.#buffer.length + count);
    joined.set(this.#buffer);
    joined.set(chunk.subarray(0, count), this.#buffer.length);
    this.#buffer = joined;
  }
}
