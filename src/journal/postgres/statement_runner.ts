/**
 * Runs single statements for whoever waits for an answer: operators, verifiers, the start of a gateway. Nothing that
 * senders wait for in numbers goes this way.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import { pause } from "../../time/abortable.ts";
import { type Answer, isUnconfirmed, type Value } from "../../io/postgres/client.ts";
import type { PostgresConnection } from "./connection/connection.ts";
import { PostgresError, SQL_STATE } from "../../io/postgres/errors.ts";
import type { Statement } from "../../io/postgres/statement.ts";
import { failedStatement } from "./unavailable.ts";

/** How long a statement may take, the wait for a connection and repetitions included, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** The pause before a statement is sent again, in milliseconds. */
const AGAIN_MS = 20;

/** Refusals of a statement of which nothing has happened, and that may succeed the next time. */
const PASSING: readonly string[] = [SQL_STATE.serializationFailure, SQL_STATE.deadlock];

/** Runs statements that may run twice: what was done is not done again by the second time. */
export class StatementRunner {
  readonly #connection: PostgresConnection;
  readonly #timeoutMs: number;

  /** @param timeoutMs how long a statement may take, in milliseconds. @default 5000 */
  constructor(connection: PostgresConnection, timeoutMs: number = TIMEOUT_MS) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Runs a statement, and again when its connection is lost.
   *
   * @throws {GatewayError} `journal_unavailable`; it may have happened all the same
   */
  async run<Row extends object>(statement: Statement, values: readonly Value[] = []): Promise<Answer<Row>> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    const possible = values.map(withoutNul);
    for (;;) {
      try {
        const answer = await this.#connection.use((client) => client.query<Row>(statement, possible), signal);
        if (!isUnconfirmed(answer)) return answer;
        throw new GatewayError("journal_unavailable", undefined, {
          reason: "The synchronous standby has not confirmed the change: it is lost if the primary is",
        });
      } catch (error) {
        if (!(error instanceof PostgresError)) throw error;
        const mayPass = error.endsConnection || PASSING.includes(error.sqlState);
        if (!mayPass || signal.aborted) throw failedStatement(error);
        await pause(Math.max(AGAIN_MS, this.#connection.pauseMs), signal);
        if (signal.aborted) throw failedStatement(error);
      }
    }
  }

  /** The rows of a statement. Throws as {@linkcode run} does. */
  async rows<Row extends object>(
    statement: Statement,
    values: readonly Value[] = [],
  ): Promise<readonly Row[]> {
    return (await this.run<Row>(statement, values)).rows;
  }
}

/** A value as PostgreSQL takes it: its texts have no place for NUL, so what has one is equal to nothing that stands there. */
function withoutNul(value: Value): Value {
  if (typeof value === "string") return value.replaceAll("\0", "\u{FFFD}");
  return Array.isArray(value) ? value.map(withoutNul) : value;
}
