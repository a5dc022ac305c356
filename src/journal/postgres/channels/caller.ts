/**
 * A connection that changes something, and sends a statement again when it was lost.
 *
 * A statement whose connection was given up may run later all the same: it waits in a socket, or in a process that does
 * not get on. So each begins with a lock on the caller's row and its session, which is raised on the new connection
 * before anything is sent again.
 *
 * @module
 */

import { abortable, pause } from "../../../time/abortable.ts";
import { isUnconfirmed, type PostgresClient, type Value } from "../../../io/postgres/client.ts";
import type { PostgresConnection } from "../connection/connection.ts";
import { PostgresError, SQL_STATE } from "../../../io/postgres/errors.ts";
import type { Statement } from "../../../io/postgres/statement.ts";
import { RAISE, REGISTER, UNREGISTER } from "./statements.ts";

/** How long it is waited for statements of the former session, in milliseconds. Then the caller becomes another one. */
const RAISE_TIMEOUT_MS = 1_000;

/** The pause before a statement is sent again, in milliseconds. */
const AGAIN_MS = 20;

/** What a statement returns that begins with the lock. */
export interface FencedRow {
  /** 0: nothing has happened, since the session was raised or the caller forgotten. */
  readonly alive: number;
}

interface Fence {
  readonly id: number;
  readonly session: number;
}

/** Sends a statement behind the lock, with these values after the caller's. */
export type Send = <Row extends FencedRow>(
  statement: Statement,
  values: readonly Value[],
) => Promise<readonly Row[]>;

/** Nothing has happened: the statement is sent again. */
class FencedOut extends Error {}

/** One connection of the channels. */
export class Caller implements AsyncDisposable {
  readonly #connection: PostgresConnection;
  #fence: Fence | undefined;
  /** The connection that the session is of. */
  #client: PostgresClient | undefined;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  /**
   * Works on the connection, and once more when that was lost or could not be had, until the signal aborts.
   *
   * @param work gets whether it was begun before, so that what it does may have happened already
   * @throws {PostgresError} of the server that refuses, or when there is no more time: then nobody knows
   */
  async run<Result>(
    work: (send: Send, isRepeat: boolean) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    for (let isRepeat = false;; isRepeat = true) {
      try {
        return await this.#connection.use(async (client) => {
          const fence = await this.#fenceOf(client);
          return await work((statement, values) => this.#send(client, fence, statement, values), isRepeat);
        }, signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof FencedOut || isPassing(error))) throw error;
        if (error instanceof FencedOut) continue;
        await pause(Math.max(AGAIN_MS, this.#connection.pauseMs), signal);
        if (signal.aborted) throw error;
      }
    }
  }

  /** Reads, without the lock. @throws {PostgresError} */
  async read<Row extends object>(
    statement: Statement,
    values: readonly Value[],
    signal: AbortSignal,
  ): Promise<readonly Row[]> {
    return await this.#connection.use(
      async (client) => (await client.query<Row>(statement, values)).rows,
      signal,
    );
  }

  /** Forgets the caller, if that is possible at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    const fence = this.#fence;
    if (fence === undefined || this.#connection.state !== "open") return;
    const signal = AbortSignal.timeout(RAISE_TIMEOUT_MS);
    try {
      await this.#connection.use((client) => client.query(UNREGISTER, [fence.id]), signal);
    } catch {
      // Its row is removed when it has not been heard of for a week.
    }
  }

  async #send<Row extends FencedRow>(
    client: PostgresClient,
    { id, session }: Fence,
    statement: Statement,
    values: readonly Value[],
  ): Promise<readonly Row[]> {
    const answer = await client.query<Row>(statement, [id, session, ...values]);
    const { rows } = answer;
    if (rows[0]?.alive !== 1) {
      this.#fence = undefined;
      throw new FencedOut();
    }
    // What was written may be lost with the primary. Sent again, it waits for the standby once more.
    if (isUnconfirmed(answer)) throw new FencedOut();
    return rows;
  }

  async #fenceOf(client: PostgresClient): Promise<Fence> {
    const former = this.#fence;
    if (former !== undefined && client === this.#client) return former;
    this.#fence = undefined;
    const raised = former === undefined ? undefined : await raise(client, former);
    const fence = raised ?? (await client.query<Fence>(REGISTER)).rows[0];
    if (fence === undefined) throw new PostgresError("A caller was not registered", { endsConnection: true });
    this.#client = client;
    return this.#fence = fence;
  }
}

/** A number of 63 bits that nothing else has. */
export function randomNumber(): string {
  const [bits = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return `${bits >> 1n}`;
}

/**
 * @returns `undefined` when the row is gone
 * @throws {PostgresError} when a statement of the former session does not end
 */
async function raise(client: PostgresClient, { id }: Fence): Promise<Fence | undefined> {
  const signal = AbortSignal.timeout(RAISE_TIMEOUT_MS);
  try {
    return (await abortable(client.query<Fence>(RAISE, [id]), signal)).rows[0];
  } catch (cause) {
    if (!signal.aborted) throw cause;
    const message = `${client.server} still runs a statement of a connection that was given up`;
    throw new PostgresError(message, { endsConnection: true, cause });
  }
}

/** Whether the same statement may succeed in a moment. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof PostgresError)) return false;
  return error.endsConnection || error.sqlState === SQL_STATE.serializationFailure ||
    error.sqlState === SQL_STATE.deadlock;
}
