/**
 * One open connection to PostgreSQL.
 *
 * @module
 */

// @ts-types="@types/pg"
import type { Client, Notification } from "pg";
import { type Explanations, type PostgresError, postgresError, SQL_STATE } from "./errors.ts";
import type { Statement } from "./statement.ts";

/** A value of a statement. Buffers are sent as bytes, all others as text. */
export type Value = string | number | bigint | boolean | null | Uint8Array | readonly Value[];

/** What a statement returned. */
export interface Answer<Row> {
  readonly rows: readonly Row[];
  /** Rows that it returned or changed. */
  readonly count: number;
  /** `SQLSTATE` of the notices that came with it. */
  readonly notices: readonly string[];
}

/** Notices of this class say at a commit that the wait for the synchronous standby was given up. */
const WARNING_CLASS = "01";

/** Whether what a statement has written may be lost with the primary: the synchronous standby has not confirmed it. */
export function isUnconfirmed({ notices }: Pick<Answer<unknown>, "notices">): boolean {
  return notices.some((code) => code.startsWith(WARNING_CLASS));
}

/** What all connections to a server have in common. */
export interface StatementNaming {
  /** Whether the server keeps statements by name: a pooler may lend another server's connection for each. */
  isPossible: boolean;
  /** To be called once, when it turns out that it does not. */
  readonly onImpossible: () => void;
}

/** What is known of the server. */
export interface ServerFacts {
  /** `host:port`, IPv6 in brackets. */
  readonly authority: string;
  /** As `150018` for 15.18. */
  readonly version: number;
}

/** An open connection. Statements are sent one after the other. */
export class PostgresClient {
  readonly facts: ServerFacts;
  readonly #client: Client;
  readonly #naming: StatementNaming;
  readonly #explanations: Explanations;
  /** Notices of the statement under way. */
  #notices: string[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: Client, facts: ServerFacts, naming: StatementNaming, explanations: Explanations = {}) {
    this.facts = facts;
    this.#client = client;
    this.#naming = naming;
    this.#explanations = explanations;
    client.on("notice", ({ code }) => this.#notices.push(code ?? ""));
  }

  /**
   * Runs a statement by itself: it is committed when this resolves.
   *
   * @throws {PostgresError} when the server refuses it, or the connection has ended
   */
  async query<Row extends object>(statement: Statement, values: readonly Value[] = []): Promise<Answer<Row>> {
    const turn = this.#last.then(() => this.#run<Row>(statement, values));
    this.#last = turn.catch(() => {}); // Whoever waits for it gets it.
    return await turn;
  }

  /** Calls the listener with what is sent to the channels that this connection listens to. */
  onNotification(listener: (channel: string, payload: string) => void): void {
    this.#client.on(
      "notification",
      ({ channel, payload }: Notification) => listener(channel, payload ?? ""),
    );
  }

  /** Ends the connection at once, whatever is under way on it. */
  end(): void {
    this.#client.connection.stream.destroy();
  }

  async #run<Row extends object>(statement: Statement, values: readonly Value[]): Promise<Answer<Row>> {
    try {
      return await this.#send<Row>(statement, values);
    } catch (thrown) {
      const error = this.#error(thrown);
      const isOfName = statement.name !== undefined &&
        (error.sqlState === SQL_STATE.invalidStatementName ||
          error.sqlState === SQL_STATE.duplicateStatement);
      // Both are found out before anything of the statement is done.
      if (!isOfName) throw error;
      if (this.#naming.isPossible) this.#naming.onImpossible();
      this.#naming.isPossible = false;
      return await this.#send<Row>(statement, values).catch((again) => {
        throw this.#error(again);
      });
    }
  }

  async #send<Row extends object>({ text, name }: Statement, values: readonly Value[]): Promise<Answer<Row>> {
    this.#notices = [];
    const { rows, rowCount } = await this.#client.query<Row>({
      text,
      values: values as unknown[],
      name: this.#naming.isPossible ? name : undefined,
    });
    return { rows, count: rowCount ?? 0, notices: this.#notices };
  }

  #error(thrown: unknown): PostgresError {
    return postgresError(this.server, thrown, this.#explanations);
  }

  /** Begins sentences about the server. */
  get server(): string {
    return `PostgreSQL ${this.facts.authority}`;
  }
}
