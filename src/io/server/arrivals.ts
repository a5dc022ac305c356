import { ConnectionTable } from "./connection_table.ts";

/** How long a connection without a request counts as one that is about to bring it, in milliseconds. */
const YOUNG_MS = 2_000;

/**
 * Connections to a port that have come since, and whether each has brought a request. The runtime ends a server with
 * those that have brought none yet, in the middle of their TLS handshake: it is ended at a moment without any.
 */
export class Arrivals {
  readonly #table: ConnectionTable;
  /** Ports of the other ends of connections that were there before, or have brought a request. */
  readonly #known: Set<number>;
  /** When connections that have not were first seen, in milliseconds of `performance.now()`. */
  readonly #seenAt = new Map<number, number>();

  /** @param port that is listened on */
  constructor(port: number) {
    this.#table = new ConnectionTable(port);
    this.#known = new Set(this.#table.look()?.remotePorts);
  }

  /** A request has come. @param remotePort of the other end of its connection */
  requested(remotePort: number): void {
    this.#known.add(remotePort);
  }

  /** Whether nobody is about to send a first request. On other systems than Linux that is not known: always. */
  isQuiet(): boolean {
    const seen = this.#table.look();
    if (seen === undefined) return true;
    const now = performance.now();
    let isQuiet = !seen.isOpening;
    for (const port of seen.remotePorts) {
      if (this.#known.has(port)) continue;
      const seenAt = this.#seenAt.get(port) ?? now;
      this.#seenAt.set(port, seenAt);
      if (now - seenAt < YOUNG_MS) isQuiet = false;
    }
    return isQuiet;
  }
}
