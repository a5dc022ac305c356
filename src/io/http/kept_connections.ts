/**
 * Connections of one client, and which of them wait for their next request.
 *
 * @module
 */

import type { Socket } from "node:net";
import { type ConnectionOwner, HttpConnection } from "./http_connection.ts";

/** How long an unused connection is kept, in milliseconds. Shorter than most servers keep theirs. */
const KEEP_ALIVE_MS = 30_000;

/**
 * How long a connection is used, in milliseconds: where there is always something to send, a name whose addresses have
 * changed would never be looked up again.
 */
const MAX_AGE_MS = 5 * 60_000;

/** How often it is looked for connections that were unused for too long, in milliseconds. */
const SWEEP_MS = 5_000;

/** Most unused connections; what is unused beyond it is closed. */
const MAX_KEPT = 256;

/** Holds connections. Disposal closes them all, used or not. */
export class KeptConnections implements ConnectionOwner, Disposable {
  readonly #all = new Set<HttpConnection>();
  /** By their keys, the last that was used last. No list is empty. */
  readonly #unused = new Map<string, HttpConnection[]>();
  #count = 0;
  #sweeping: ReturnType<typeof setTimeout> | undefined;
  #isDisposed = false;
  readonly #maxAgeMs: number;

  /** @param options.maxAgeMs how long a connection is used, in milliseconds. @default 5 minutes */
  constructor({ maxAgeMs = MAX_AGE_MS }: { readonly maxAgeMs?: number } = {}) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** An unused connection, which is used from now on. */
  take(key: string): HttpConnection | undefined {
    const unused = this.#unused.get(key);
    const connection = unused?.pop();
    if (connection === undefined) return undefined;
    this.#count--;
    if (unused!.length === 0) this.#unused.delete(key);
    if (connection.idleUntil > performance.now()) return connection;
    connection.close();
    return this.take(key);
  }

  /** Takes a connection that was opened for a request. @param socket connected */
  add(socket: Socket, key: string): HttpConnection {
    const connection = new HttpConnection(socket, key, this);
    this.#all.add(connection);
    if (this.#isDisposed) connection.close();
    return connection;
  }

  onIdle(connection: HttpConnection, keptMs: number): void {
    const now = performance.now();
    const leftMs = connection.openedAt + this.#maxAgeMs - now;
    if (this.#count >= MAX_KEPT || leftMs <= 0) return connection.close();
    connection.idleUntil = now + Math.min(keptMs, KEEP_ALIVE_MS, leftMs);
    const unused = this.#unused.get(connection.key);
    if (unused === undefined) this.#unused.set(connection.key, [connection]);
    else unused.push(connection);
    this.#count++;
    this.#sweeping ??= this.#sweepLater();
  }

  onEnded(connection: HttpConnection): void {
    this.#all.delete(connection);
    if (this.#all.size === 0) this.#sweepNoMore();
    const unused = this.#unused.get(connection.key);
    const at = unused?.indexOf(connection) ?? -1;
    if (at === -1) return;
    unused!.splice(at, 1);
    this.#count--;
    if (unused!.length === 0) this.#unused.delete(connection.key);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const connection of this.#all) connection.close();
  }

  #sweepLater(): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => this.#sweep(), SWEEP_MS);
    Deno.unrefTimer(timer);
    return timer;
  }

  #sweepNoMore(): void {
    clearTimeout(this.#sweeping);
    this.#sweeping = undefined;
  }

  #sweep(): void {
    const now = performance.now();
    for (const unused of [...this.#unused.values()]) {
      for (const connection of unused.filter(({ idleUntil }) => idleUntil <= now)) connection.close();
    }
    this.#sweeping = this.#count > 0 ? this.#sweepLater() : undefined;
  }
}
