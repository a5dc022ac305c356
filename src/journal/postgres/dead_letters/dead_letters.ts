/**
 * The dead letters of all gateways.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type {
  AttemptFailure,
  DeadLetter,
  DeadLetterCount,
  DeadLetterCounts,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetters,
  DeadLetterSummary,
} from "../../../dead_letters/dead_letters.ts";
import { GatewayError } from "../../../errors.ts";
import type { VerifiedEvent } from "../../../event/verified_event.ts";
import type { Statement } from "../../../io/postgres/statement.ts";
import { storable } from "../../../io/postgres/storable_text.ts";
import { encodeEventBytes, readEvent } from "../event_bytes.ts";
import type { StatementRunner } from "../statement_runner.ts";
import {
  BURY,
  type ChangedRow,
  conditionsOf,
  COUNT,
  DROP,
  GET,
  LAST,
  type LetterRow,
  LETTERS_PER_SLICE,
  LIST,
  REPLAY,
  TOTAL,
} from "./statements.ts";

/** What somebody has to know of changes of the dead letters. */
export interface DeadLetterListener {
  /** Letters were added by this gateway; others were there before, as letters of the same events. */
  onBuried(added: number): void;
  /** Letters were removed. */
  onRemoved(count: number): void;
  /** Letters are pending events again, which belong to no gateway yet. Resolves when this one has taken some. */
  onReplayed(): Promise<void>;
}

/** The dead letters of a journal in PostgreSQL. */
export class PostgresDeadLetters implements DeadLetters {
  readonly #runner: StatementRunner;
  readonly #listener: DeadLetterListener | undefined;

  /** @param listener of the gateway that uses the journal; left out where none does, as in a command */
  constructor(runner: StatementRunner, listener?: DeadLetterListener) {
    this.#runner = runner;
    this.#listener = listener;
  }

  async list(filter: DeadLetterFilter, limit: number, cursor?: string): Promise<DeadLetterPage> {
    const after = cursor === undefined ? 0 : positionOf(cursor);
    // One more than asked for tells whether there is a next page.
    const values = [...conditionsOf(filter, after, Number.MAX_SAFE_INTEGER), limit + 1];
    const rows = await this.#runner.rows<LetterRow>(LIST, values);
    const page = rows.slice(0, limit);
    return {
      letters: page.map(summaryOf),
      cursor: rows.length > limit ? String(page.at(-1)?.number) : undefined,
    };
  }

  async count(after: number, limit: number): Promise<DeadLetterCounts> {
    const rows = await this.#runner.rows<LetterRow>(COUNT, [after, limit]);
    const counts = new Map<string, DeadLetterCount>();
    for (const { namespace, webhook, reason, connection, died_at } of rows) {
      const path = `${namespace}/${webhook}`;
      const { count = 0, since = died_at } = counts.get(path) ?? {};
      counts.set(path, {
        namespace,
        webhook,
        count: count + 1,
        since,
        reason: reason as DeadLetterCount["reason"],
        connection,
      });
    }
    return { counts: [...counts.values()], last: rows.at(-1)?.number ?? after, more: rows.length === limit };
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const [row] = await this.#runner.rows<
      LetterRow & { readonly progress: string | null; readonly event: Buffer }
    >(
      GET,
      [id],
    );
    if (row === undefined) return undefined;
    return { ...summaryOf(row), event: readEvent(row.event).event, progress: row.progress ?? undefined };
  }

  async replay(filter: DeadLetterFilter): Promise<number> {
    const count = await this.#change(REPLAY, filter);
    if (count > 0) await this.#listener?.onReplayed();
    return count;
  }

  drop(filter: DeadLetterFilter): Promise<number> {
    return this.#change(DROP, filter);
  }

  async bury(event: VerifiedEvent, failure: AttemptFailure, attempts: number): Promise<void> {
    const { namespace, webhook, id, receivedAt, body } = event;
    const { connection, code, message } = failure;
    const [row] = await this.#runner.rows<{ readonly is_new: boolean }>(BURY, [
      namespace,
      webhook,
      id,
      connection,
      code,
      storable(message),
      attempts,
      Date.now(),
      Math.round(receivedAt),
      body.length,
      encodeEventBytes(event),
    ]);
    this.#listener?.onBuried(row?.is_new === true ? 1 : 0);
  }

  /** How many letters there are. */
  async total(): Promise<number> {
    const [row] = await this.#runner.rows<{ readonly total: number }>(TOTAL);
    return row?.total ?? 0;
  }

  /** In slices, of letters that were there when it began: one that is replayed and given up again is not met twice. */
  async #change(statement: Statement, filter: DeadLetterFilter): Promise<number> {
    const upTo = (await this.#runner.rows<{ readonly last: number }>(LAST))[0]?.last ?? 0;
    let total = 0;
    for (let after = 0;;) {
      const values = [...conditionsOf(filter, after, upTo), LETTERS_PER_SLICE];
      const [changed] = await this.#runner.rows<ChangedRow>(statement, values);
      if (changed === undefined || changed.last === null) return total;
      total += changed.count;
      this.#listener?.onRemoved(changed.count);
      if (changed.count < LETTERS_PER_SLICE) return total;
      after = changed.last;
    }
  }
}

function summaryOf(row: LetterRow): DeadLetterSummary {
  return {
    id: row.id,
    namespace: row.namespace,
    webhook: row.webhook,
    connection: row.connection,
    reason: row.reason as DeadLetterSummary["reason"],
    message: row.message,
    attempts: row.attempts,
    receivedAt: row.received_at,
    diedAt: row.died_at,
    bytes: row.bytes,
  };
}

function positionOf(cursor: string): number {
  const position = /^\d+$/.test(cursor) ? Number(cursor) : NaN;
  if (Number.isSafeInteger(position)) return position;
  throw new GatewayError("invalid_query", "'cursor' must be the cursor of the page before");
}
