/** A connection to a server through which nothing passes while a test says so, as when a network or a host stands still. */

/** Listens on a port of this machine and passes on what comes, both ways. */
export class FreezableWire implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: number;
  readonly #connections = new Set<Deno.Conn>();
  readonly #work: Promise<void>[] = [];
  #thawed: PromiseWithResolvers<void> | undefined;
  /** The port on the side of the server of the one connection whose answers are held back. */
  #held: number | undefined;
  /** Bytes that were passed on to the server. */
  passedOn = 0;

  /** @param target the port of the server */
  constructor(target: number) {
    this.#target = target;
    this.#work.push(this.#accept());
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** From now on nothing passes; connections stay open, and others can be made. */
  freeze(): void {
    this.#thawed ??= Promise.withResolvers();
  }

  /** From now on no answer passes of one connection. @param port of this wire, as the server sees it */
  freezeAnswers(port: number): void {
    this.#thawed ??= Promise.withResolvers();
    this.#held = port;
  }

  /** What was sent meanwhile arrives. */
  thaw(): void {
    this.#held = undefined;
    this.#thawed?.resolve();
    this.#thawed = undefined;
  }

  /** Ends all connections; others can be made. */
  cut(): void {
    for (const connection of this.#connections) close(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.thaw();
    this.cut();
    await Promise.all(this.#work);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      this.#connections.add(client);
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      this.#connections.add(server);
      this.#work.push(
        this.#pass(client, server, (bytes) => this.passedOn += bytes),
        this.#pass(server, client),
      );
    }
  }

  async #pass(from: Deno.Conn, to: Deno.Conn, onPassed: (bytes: number) => void = () => {}): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    const passes = () => {
      const isHeld = this.#held === undefined || (from.localAddr as Deno.NetAddr).port === this.#held;
      return isHeld ? this.#thawed?.promise : undefined;
    };
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        await passes();
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
        onPassed(count);
      }
    } catch {
      // One of the two has ended.
    }
    await passes();
    for (const connection of [from, to]) {
      close(connection);
      this.#connections.delete(connection);
    }
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
