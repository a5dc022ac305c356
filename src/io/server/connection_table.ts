/**
 * The TCP connections of one local port, as Linux shows them to a process (`proc_net_tcp(5)`): the runtime neither
 * counts connections nor says which it has.
 *
 * @module
 */

/** The tables of a process's network namespace. A system without IPv6 has one. */
const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];

const ESTABLISHED = "01";
const SYN_RECEIVED = "03";
const LISTENING = "0A";

/** What a table shows at one moment. */
export interface ConnectionsSeen {
  /** The ports of the other ends of established connections. */
  readonly remotePorts: readonly number[];
  /** Whether connections are being opened, or wait to be taken. */
  readonly isOpening: boolean;
}

/** Looks at the connections of a port. */
export class ConnectionTable {
  readonly #line: RegExp;

  /** @param port that the process listens on */
  constructor(port: number) {
    const hex = port.toString(16).toUpperCase().padStart(4, "0");
    this.#line = new RegExp(`:${hex} [0-9A-F]+:([0-9A-F]{4}) (0[13A]) [0-9A-F]{8}:([0-9A-F]{8}) `, "g");
  }

  /**
   * How many connections are established.
   *
   * @throws {Error} when no table can be read, as on other systems than Linux
   */
  async countEstablished(): Promise<number> {
    const tables = await Promise.allSettled(TABLES.map((path) => Deno.readTextFile(path)));
    const texts = tables.flatMap((table) => table.status === "fulfilled" ? [table.value] : []);
    const [first] = tables;
    if (texts.length === 0 && first?.status === "rejected") throw first.reason;
    return this.#seenIn(texts).remotePorts.length;
  }

  /** Looks without anything else running in between; `undefined` where no table can be read. */
  look(): ConnectionsSeen | undefined {
    const texts = TABLES.flatMap((path) => readIfThere(path) ?? []);
    return texts.length === 0 ? undefined : this.#seenIn(texts);
  }

  #seenIn(texts: readonly string[]): ConnectionsSeen {
    const remotePorts: number[] = [];
    let isOpening = false;
    for (const text of texts) {
      for (const [, remotePort = "", state, waiting] of text.matchAll(this.#line)) {
        if (state === ESTABLISHED) remotePorts.push(parseInt(remotePort, 16));
        // For a socket that listens, what is to be read are connections.
        isOpening ||= state === SYN_RECEIVED || (state === LISTENING && waiting !== "00000000");
      }
    }
    return { remotePorts, isOpening };
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // Another system than Linux, or one without IPv6.
  }
}
