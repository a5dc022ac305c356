/**
 * The TCP connections of one local port, as Linux shows them to a process (`proc_net_tcp(5)`): the runtime neither
 * counts connections nor says which it has.
 *
 * @module
 */

import { parseAddress } from "../address.ts";

/** The tables of a process's network namespace. A system without IPv6 has one. */
const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];

const ESTABLISHED = "01";
const SYN_RECEIVED = "03";
const LISTENING = "0A";

/** What a table shows at one moment. */
export interface ConnectionsSeen {
  /** How many sockets listen there, of whatever process. */
  readonly listeners: number;
  /** The ports of the other ends of established connections. */
  readonly remotePorts: readonly number[];
  /** Whether connections are being opened, or wait to be taken. */
  readonly isOpening: boolean;
}

/** Looks at the connections of a port. */
export class ConnectionTable {
  readonly #line: RegExp;
  readonly #address: string | undefined;

  /**
   * @param port that the process listens on
   * @param host the address whose listeners count. @default any address
   */
  constructor(port: number, host?: string) {
    const hex = port.toString(16).toUpperCase().padStart(4, "0");
    this.#line = new RegExp(
      `([0-9A-F]+):${hex} [0-9A-F]+:([0-9A-F]{4}) (0[13A]) [0-9A-F]{8}:([0-9A-F]{8}) `,
      "g",
    );
    this.#address = host === undefined ? undefined : tableAddressOf(host);
  }

  /**
   * Looks at the connections.
   *
   * @throws {Error} when no table can be read, as on other systems than Linux
   */
  async read(): Promise<ConnectionsSeen> {
    const tables = await Promise.allSettled(TABLES.map((path) => Deno.readTextFile(path)));
    const texts = tables.flatMap((table) => table.status === "fulfilled" ? [table.value] : []);
    const [first] = tables;
    if (texts.length === 0 && first?.status === "rejected") throw first.reason;
    return this.#seenIn(texts);
  }

  /** Looks without anything else running in between; `undefined` where no table can be read. */
  look(): ConnectionsSeen | undefined {
    const texts = TABLES.flatMap((path) => readIfThere(path) ?? []);
    return texts.length === 0 ? undefined : this.#seenIn(texts);
  }

  #seenIn(texts: readonly string[]): ConnectionsSeen {
    const remotePorts: number[] = [];
    let listeners = 0;
    let isOpening = false;
    for (const text of texts) {
      for (const [, address, remotePort = "", state, waiting] of text.matchAll(this.#line)) {
        if (state === ESTABLISHED) remotePorts.push(parseInt(remotePort, 16));
        if (state === LISTENING && address === (this.#address ?? address)) listeners++;
        // For a socket that listens, what is to be read are connections.
        isOpening ||= state === SYN_RECEIVED || (state === LISTENING && waiting !== "00000000");
      }
    }
    return { remotePorts, listeners, isOpening };
  }
}

/** How many sockets listen at an address, of whatever process; 0 where no table can be read. */
export function listenersAt(host: string, port: number): number {
  return new ConnectionTable(port, host).look()?.listeners ?? 0;
}

/** An address as the tables have it, in words of the machine's byte order; `undefined` for a name. */
function tableAddressOf(host: string): string | undefined {
  const words = parseAddress(host)?.toByteArray().map((byte) => byte.toString(16).padStart(2, "0")).join("")
    .toUpperCase().match(/.{8}/g);
  return words?.map((word) => word.match(/../g)?.reverse().join("") ?? "").join("");
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // Another system than Linux, or one without IPv6.
  }
}
