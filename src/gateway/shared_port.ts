/**
 * What is particular to gateways that share a port (`REUSE_PORT`): what each knows alone, and how one that ends leaves
 * its connections to the others.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { LastRequests } from "../http/last_requests.ts";
import type { ListeningServer } from "../http/server.ts";
import { authorityOf } from "../io/address.ts";
import { hostName } from "../io/host_name.ts";
import type { Settings } from "../settings/settings.ts";

/**
 * How long a gateway goes on to take connections that others could take, in milliseconds: each answer ends its
 * connection meanwhile, so that the pools of proxies find the others.
 */
const SERVE_ON_MS = 2_000;

/** How often is looked whether a listener is closed, or another gateway has closed its own, in milliseconds. */
const LOOK_MS = 10;

/** How long a listener takes to close at most, in milliseconds. It only bounds failures. */
const CLOSING_MS = 1_000;

/** What people know an instance by: its host, and its own port where several share one. */
export function instanceName(
  { sharesPort, instancePort = 0 }: Settings,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const host = hostName(environment);
  return host === undefined || !sharesPort || instancePort === 0 ? host : authorityOf(host, instancePort);
}

/**
 * What an operator should know of the state that each instance on a port has alone, as one line; `undefined` where the
 * port is not shared, or all have one journal.
 */
export function describeOwnState({ sharesPort, journal, relayQueue }: Settings): string | undefined {
  if (!sharesPort || journal.postgres !== undefined) return undefined;
  const channels = relayQueue === undefined
    ? ", and has channels of its own, for which RELAY_QUEUE is not set"
    : "";
  return "REUSE_PORT=on: each instance on the port counts its own rate limits, and only it remembers the idempotency " +
    `keys, signatures and tokens that it has accepted${channels}. JOURNAL=postgres://… shares them`;
}

/**
 * The right to close a listener, which one at a time has of the gateways that share an address. Of several that end at
 * once, the last one knows by it that it is, and waits until load balancers have noticed.
 */
export class ClosingTurn {
  readonly #server: ListeningServer;
  readonly #others: number;
  readonly #lock: Disposable | undefined;

  private constructor(server: ListeningServer, others: number, lock: Disposable | undefined) {
    this.#server = server;
    this.#others = others;
    this.#lock = lock;
  }

  /**
   * Serves on for up to two seconds, and waits for the turn.
   *
   * @param graceMs how long all of it may take, in milliseconds
   * @returns `undefined` where nobody else listens at the address, or nobody does any more
   */
  static async take(
    server: ListeningServer,
    requests: LastRequests,
    graceMs: number,
  ): Promise<ClosingTurn | undefined> {
    if (server.othersListening() === 0) return undefined;
    const endsAt = performance.now() + graceMs;
    await requests.ended(Math.min(graceMs, SERVE_ON_MS));
    let lock = lockOf(server.port);
    while (lock === undefined && performance.now() < endsAt) {
      await sleep(LOOK_MS);
      lock = lockOf(server.port);
    }
    const others = server.othersListening();
    if (others > 0) return new ClosingTurn(server, others, lock);
    lock?.[Symbol.dispose]();
    requests.beginAgain();
    return undefined;
  }

  /** To be called when the server was closed: the next one has the turn as soon as it listens no more. */
  async pass(): Promise<void> {
    const endsAt = performance.now() + CLOSING_MS;
    while (this.#server.othersListening() > this.#others && performance.now() < endsAt) await sleep(LOOK_MS);
    this.#lock?.[Symbol.dispose]();
  }
}

/**
 * A name that one socket of the network namespace can have at a time, as long as its process lives (`unix(7)`, abstract
 * sockets). `undefined` while another one has it; a system that has no such names, or lets nobody have one, lets
 * everybody close.
 */
function lockOf(port: number): Disposable | undefined {
  try {
    const socket = Deno.listenDatagram({ transport: "unixpacket", path: `\0cwm-closing-${port}` });
    return { [Symbol.dispose]: () => socket.close() };
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    return { [Symbol.dispose]: () => {} };
  }
}
