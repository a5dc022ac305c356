/**
 * How `ioredis` opens sockets: with addresses from {@linkcode outputNames}. Its own connector leaves no say in how a
 * name is looked up.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AbstractConnector, type RedisOptions } from "ioredis";
import { outputNames } from "../name_lookups.ts";

/** How long a socket may take to close when the client does not say, in milliseconds. */
const DISCONNECT_TIMEOUT_MS = 2000;

/** The `Connector` option of clients. */
export class RedisConnector extends AbstractConnector {
  readonly #options: RedisOptions;

  /** @param options those of the client, which its types leave open */
  constructor(options: unknown) {
    const own = options as RedisOptions;
    super(own.disconnectTimeout ?? DISCONNECT_TIMEOUT_MS);
    this.#options = own;
  }

  override connect(): Promise<Socket> {
    const { host = "localhost", port = 6379, tls } = this.#options;
    const server = { host, port, lookup: outputNames.lookup };
    this.connecting = true;
    const socket = tls === undefined ? connect(server) : connectTls({ ...server, ...tls });
    socket.once("error", (error) => this.firstError = error);
    this.stream = socket;
    return Promise.resolve(socket);
  }

  /** At once: the library would keep a timer for a socket that is closed already. */
  override disconnect(): void {
    this.connecting = false;
    (this.stream as typeof this.stream | undefined)?.destroy();
  }
}
