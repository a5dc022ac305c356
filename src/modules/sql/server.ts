/**
 * The connection to an SQL server, with errors that say whether events are tried again.
 *
 * @module
 */

import type { DeliveryError } from "../../errors.ts";
import { ConnectionSupervisor, type SupervisorOptions } from "../../io/connection.ts";

/** How a server is reached. */
export interface SqlServerOptions<Client> extends SupervisorOptions<Client> {
  /** The reason why the connection is of no use any more; `undefined` when what was thrown does not say so. */
  endOf(error: unknown): DeliveryError | undefined;
}

/** One connection to a server, which is opened when it is used, and again after it was lost. */
export class SqlServer<Client> implements AsyncDisposable {
  /** Begins sentences about the server. */
  readonly name: string;
  readonly #endOf: SqlServerOptions<Client>["endOf"];
  readonly #supervisor: ConnectionSupervisor<Client>;

  constructor(options: SqlServerOptions<Client>) {
    this.name = options.server;
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
    const outcome = await this.#supervisor.use(async (client) => {
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
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
  }
}
