/**
 * The connection to an SQL server, with errors that say whether events are tried again.
 *
 * @module
 */

import type { DeliveryError } from "../../errors.ts";
import { ConnectionSupervisor, type SupervisorOptions } from "../../io/connection.ts";

/** How long a connection is kept that nobody uses, in milliseconds. Servers have few, and each table takes one. */
const IDLE_MS = 10_000;

/** How a server is reached. */
export interface SqlServerOptions<Client> extends SupervisorOptions<Client> {
  /** How long a connection is kept that nobody uses, in milliseconds. @default 10000 */
  readonly idleMs?: number;
  /** The reason why the connection is of no use any more; `undefined` when what was thrown does not say so. */
  endOf(error: unknown): DeliveryError | undefined;
}

/** One connection to a server, which is opened when it is used, and again after it was lost. */
export class SqlServer<Client> implements AsyncDisposable {
  /** Begins sentences about the server. */
  readonly name: string;
  readonly #endOf: SqlServerOptions<Client>["endOf"];
  readonly #supervisor: ConnectionSupervisor<Client>;
  readonly #idleMs: number;
  #users = 0;
  /** The connection that was used last. */
  #last: Client | undefined;
  /** Runs while nobody uses it. */
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SqlServerOptions<Client>) {
    this.name = options.server;
    this.#idleMs = options.idleMs ?? IDLE_MS;
    this.#endOf = options.endOf;
    this.#supervisor = new ConnectionSupervisor(options);
  }

  /**
   * Works on the connection. One whose statement says that it is of no use any more is closed.
   *
   * @param signal gives the work up, and the connection with it: what was under way may still happen
   * @throws {DeliveryError} when the server cannot be reached, or the signal aborts
   * @throws whatever the work throws
   */
  async use<Result>(work: (client: Client) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    clearTimeout(this.#idle);
    this.#users++;
    try {
      const outcome = await this.#supervisor.use(async (client) => {
        this.#last = client;
        try {
          return { value: await work(client) };
        } catch (error) {
          const end = this.#endOf(error);
          if (end !== undefined) this.#supervisor.drop(client, end);
          return { error };
        }
      }, signal);
      if ("error" in outcome) throw outcome.error;
      return outcome.value;
    } finally {
      this.#users--;
      if (this.#users === 0 && this.#last !== undefined) this.#closeWhenIdle(this.#last);
    }
  }

  #closeWhenIdle(client: Client): void {
    if (this.#supervisor.state === "closed") return;
    this.#idle = setTimeout(() => this.#supervisor.drop(client), this.#idleMs);
    Deno.unrefTimer(this.#idle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    await this.#supervisor[Symbol.asyncDispose]();
  }
}
