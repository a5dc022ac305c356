/**
 * The gateway thread's side of the dead letters.
 *
 * @module
 */

import type { VerifiedEvent } from "../../event/verified_event.ts";
import type {
  AttemptFailure,
  DeadLetter,
  DeadLetterCounts,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetters,
} from "../../dead_letters/dead_letters.ts";
import { GatewayError } from "../../errors.ts";
import { decodeEvent, encodeEvent } from "../event_codec.ts";
import type { WorkerClient } from "./worker_client.ts";
import type { DeadSliceChanged } from "./protocol.ts";

/** Letters that are replayed or dropped by one commit, so that none is long. */
const LETTERS_PER_SLICE = 500;

/** The dead letters of a {@linkcode SqliteJournal}. */
export class SqliteDeadLetters implements DeadLetters {
  readonly #worker: WorkerClient;

  constructor(worker: WorkerClient) {
    this.#worker = worker;
  }

  async list(filter: DeadLetterFilter, limit: number, cursor?: string): Promise<DeadLetterPage> {
    const after = cursor === undefined ? 0 : positionOf(cursor);
    const { letters, next } = await this.#worker.operate("listDead", { filter, limit, after });
    return { letters, cursor: next === undefined ? undefined : String(next) };
  }

  count(after: number, limit: number): Promise<DeadLetterCounts> {
    return this.#worker.operate("countDead", { after, limit });
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const found = await this.#worker.operate("getDead", { id });
    if (found === undefined) return undefined;
    return { ...found.summary, event: decodeEvent(found.event), progress: found.progress };
  }

  replay(filter: DeadLetterFilter): Promise<number> {
    return this.#change("replayDead", filter);
  }

  drop(filter: DeadLetterFilter): Promise<number> {
    return this.#change("dropDead", filter);
  }

  async bury(event: VerifiedEvent, failure: AttemptFailure, attempts: number): Promise<void> {
    const stored = encodeEvent(event);
    const bytes = stored.headers.length + stored.body.length;
    await this.#worker.operate("bury", { event: stored, failure, attempts }, bytes);
  }

  async #change(kind: "replayDead" | "dropDead", filter: DeadLetterFilter): Promise<number> {
    let count = 0;
    let after: number | undefined = 0;
    // A letter that is replayed and given up again meanwhile must not be met once more.
    let meant: { readonly upTo?: number } = {};
    while (after !== undefined) {
      const slice: DeadSliceChanged = await this.#worker.operate(kind, {
        filter,
        limit: LETTERS_PER_SLICE,
        after,
        ...meant,
      });
      count += slice.count;
      meant = { upTo: slice.upTo };
      after = slice.next;
    }
    return count;
  }
}

function positionOf(cursor: string): number {
  const position = /^\d+$/.test(cursor) ? Number(cursor) : NaN;
  if (Number.isSafeInteger(position)) return position;
  throw new GatewayError("invalid_query", "'cursor' must be the cursor of the page before");
}
