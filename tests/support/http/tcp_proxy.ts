/** A network that fails on command: a loopback TCP proxy to put between a client and a real server. */

import { setTimeout as sleep } from "node:timers/promises";

export type Direction = "to_server" | "to_client";

export interface TcpProxyTarget {
  /** @default "127.0.0.1" */
  readonly hostname?: string;
  readonly port: number;
}

export interface Shape {
  /** Added to each piece of data on its way, in milliseconds. @default 0 */
  readonly delayMs?: number;
  /** Bytes per second, in each direction of each connection. @default no limit */
  readonly bytesPerSecond?: number;
}

const BUFFER_BYTES = 64 * 1024;

/** A door that data must pass; while it is closed, whoever wants through waits. */
class Gate {
  #opened: PromiseWithResolvers<void> | undefined;

  close(): void {
    this.#opened ??= Promise.withResolvers();
  }

  open(): void {
    this.#opened?.resolve();
    this.#opened = undefined;
  }

  /** @throws whatever `ended` rejects with, when that comes before the gate opens */
  async pass(ended: Promise<never>): Promise<void> {
    // A gate may have been closed again before the waiting side ran.
    while (this.#opened !== undefined) await Promise.race([this.#opened.promise, ended]);
  }
}

/**
 * A TCP proxy with fault switches. It passes everything on until told otherwise.
 *
 *     await using proxy = TcpProxy.start({ port: etcd.port });
 *     proxy.freeze();          // the network went silent
 *     proxy.thaw();
 *     await proxy.refuse();    // the server is down: connections are refused
 *     proxy.cut();             // and those that exist break
 *     proxy.accept();
 */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  readonly #target: TcpProxyTarget;
  readonly #connections = new Set<ProxiedConnection>();
  readonly #gates: Readonly<Record<Direction, Gate>> = { to_server: new Gate(), to_client: new Gate() };
  #accepting: Promise<void>;
  #listener: Deno.TcpListener | undefined;
  #shape: Shape = {};
  #acceptedCount = 0;

  private constructor(target: TcpProxyTarget) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#acceptFrom(this.#listener);
  }

  static start(target: TcpProxyTarget): TcpProxy {
    return new TcpProxy(target);
  }

  /** `127.0.0.1:<port>`, where clients connect to. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Connections accepted since the start. */
  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  /** Breaks every connection; new ones are accepted as before. */
  cut(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** Refuses new connections, as a machine does where no server runs. Existing ones go on. */
  async refuse(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    // The system refuses only when the pending accept has let go of the socket.
    await this.#accepting;
  }

  /** Accepts new connections again, on the same port. */
  accept(): void {
    if (this.#listener !== undefined) return;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
    this.#accepting = this.#acceptFrom(this.#listener);
  }

  /**
   * Holds all data back, or that of one direction, which makes connections half open: they stay, new ones
   * are accepted, and nothing arrives, not even the end of a connection. What was sent waits for `thaw`.
   */
  freeze(direction?: Direction): void {
    for (const gate of this.#gatesOf(direction)) gate.close();
  }

  /** Lets data pass again, beginning with what was held back. */
  thaw(direction?: Direction): void {
    for (const gate of this.#gatesOf(direction)) gate.open();
  }

  /** Makes the network slow; `shape({})` makes it fast again. */
  shape(shape: Shape): void {
    this.#shape = shape;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
    this.cut();
    await Promise.all([...this.#connections].map((connection) => connection.ended));
  }

  #gatesOf(direction?: Direction): Gate[] {
    return direction === undefined ? Object.values(this.#gates) : [this.#gates[direction]];
  }

  /** Ends without an error when the listener is closed. */
  async #acceptFrom(listener: Deno.TcpListener): Promise<void> {
    for await (const client of listener) {
      this.#acceptedCount++;
      const connection = new ProxiedConnection(client, this.#target, this.#gates, () => this.#shape);
      this.#connections.add(connection);
      void connection.ended.then(() => this.#connections.delete(connection));
    }
  }
}

/** One client's connection and the one to the server that belongs to it. */
class ProxiedConnection {
  /** Resolves when both sides are closed. Never rejects: how a connection ends is seen by its two ends. */
  readonly ended: Promise<void>;
  readonly #client: Deno.TcpConn;
  readonly #closing = new AbortController();
  readonly #closed: Promise<never>;
  #server: Deno.TcpConn | undefined;

  constructor(
    client: Deno.TcpConn,
    target: TcpProxyTarget,
    private readonly gates: Readonly<Record<Direction, Gate>>,
    private readonly shape: () => Shape,
  ) {
    this.#client = client;
    this.#closed = new Promise((_, reject) => {
      const { signal } = this.#closing;
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    this.#closed.catch(() => {});
    this.ended = this.#run(target);
  }

  close(): void {
    this.#closing.abort();
    closeQuietly(this.#client);
    closeQuietly(this.#server);
  }

  async #run({ hostname = "127.0.0.1", port }: TcpProxyTarget): Promise<void> {
    const pumps: Promise<void>[] = [];
    try {
      const server = await Deno.connect({ hostname, port });
      this.#server = server;
      this.#closing.signal.throwIfAborted();
      pumps.push(
        this.#pump(this.#client, server, "to_server"),
        this.#pump(server, this.#client, "to_client"),
      );
      await Promise.all(pumps);
    } catch {
      // Either side broke, the server is not there, or this end was told to close: both sides end.
    } finally {
      this.close();
      await Promise.allSettled(pumps);
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn, direction: Direction): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    while (true) {
      const { delayMs = 0, bytesPerSecond = Infinity } = this.shape();
      // Twenty pieces a second keep a slow transfer even.
      const limit = Math.max(1, Math.min(BUFFER_BYTES, Math.floor(bytesPerSecond / 20)));
      const count = await from.read(buffer.subarray(0, limit));
      await this.gates[direction].pass(this.#closed);
      const pauseMs = delayMs + 1000 * (count ?? 0) / bytesPerSecond;
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal: this.#closing.signal });
      if (count === null) return await to.closeWrite();
      await writeAll(to, buffer.subarray(0, count));
    }
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

function closeQuietly(connection: Deno.TcpConn | undefined): void {
  try {
    connection?.close();
  } catch (error) {
    // Closed by an earlier call.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
