/** An address that swallows connections, as hosts behind some firewalls do. */

import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** How many connections the kernel keeps before a listener that takes none. */
const KEPT = 2;

/**
 * A port that never answers whoever begins to connect (SYN): its queue is full, and nobody empties it.
 *
 *     using hole = await BlackHole.open({ hostname: "127.0.0.2", port: target.port });
 */
export class BlackHole implements Disposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #fillers: readonly Socket[];

  private constructor(listener: Deno.TcpListener, fillers: readonly Socket[]) {
    this.port = listener.addr.port;
    this.#listener = listener;
    this.#fillers = fillers;
  }

  /** @param where another address of this host than those of other servers on the port; `port` is a free one if 0 */
  static async open(where: { readonly hostname: string; readonly port: number }): Promise<BlackHole> {
    const listener = Deno.listen({ ...where, tcpBacklog: KEPT - 1 });
    const fillers = Array.from({ length: KEPT }, () => {
      return connect({ host: where.hostname, port: listener.addr.port });
    });
    await Promise.all(fillers.map((filler) => once(filler, "connect")));
    return new BlackHole(listener, fillers);
  }

  [Symbol.dispose](): void {
    for (const filler of this.#fillers) filler.destroy();
    this.#listener.close();
  }
}
