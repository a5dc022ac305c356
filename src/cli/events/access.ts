/**
 * Two ways to the events of the journal: the journal itself, or the gateway that owns it.
 *
 * @module
 */

import { GatewayError, StartupError } from "../../errors.ts";
import { mayHoldJournal } from "../../gateway/backends.ts";
import type { JournalContents } from "../../journal/journal_store.ts";
import { type ParsedRecordQuery, parseRecordQuery, replayedFilter } from "../../records/query.ts";
import { type RecordPageRow, recordRow } from "../../records/view.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient, ANSWER_TIMEOUT_MS } from "../admin_client.ts";
import { openJournalOrClient } from "../journal/access.ts";

/** Where a gateway answers for its events. */
const ROUTE = "/admin/events";

/** Events of one page. */
const PAGE = 1000;

/** What one step of a replay has done, as it is answered. */
export interface ReplayStepRow {
  readonly replayed: number;
  readonly skipped: number;
  readonly cursor: string | null;
}

/** The events, wherever they are. Queries are those of `records/query.ts`. */
export interface EventAccess extends AsyncDisposable {
  /** A page with contents, the oldest first. */
  list(query: URLSearchParams, cursor: string | undefined): Promise<RecordPageRow>;
  /**
   * One step of a replay.
   *
   * @param to `NAMESPACE/ID` of the webhook that gets the events; `undefined` for their own
   */
  replay(
    query: URLSearchParams,
    to: string | undefined,
    limit: number,
    cursor: string | undefined,
  ): Promise<ReplayStepRow>;
}

/**
 * Finds the events: in the journal, or through the gateway that owns it.
 *
 * @throws {StartupError} when a gateway owns it and cannot be asked
 */
export async function openEvents(settings: Settings): Promise<EventAccess> {
  // To look at a journal must not make one: not for the gateway to find, nor in a mistyped directory.
  if (!await mayHoldJournal(settings)) return NO_EVENTS;
  const opened = await openJournalOrClient(settings, { about: "its events", timeoutMs: ANSWER_TIMEOUT_MS });
  return opened instanceof AdminClient ? new GatewayAccess(opened) : new JournalAccess(opened);
}

const NO_EVENTS: EventAccess = {
  list: () => Promise.resolve({ events: [], cursor: null }),
  replay: () => Promise.resolve({ replayed: 0, skipped: 0, cursor: null }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

class JournalAccess implements EventAccess {
  readonly #journal: JournalContents & AsyncDisposable;

  constructor(journal: JournalContents & AsyncDisposable) {
    this.#journal = journal;
  }

  async list(query: URLSearchParams, cursor: string | undefined): Promise<RecordPageRow> {
    const { filter } = parsed(query);
    const options = { order: "oldest", limit: PAGE, contents: true, cursor } as const;
    const page = await this.#journal.records.list(filter, options);
    return { events: page.records.map(recordRow), cursor: page.cursor ?? null };
  }

  async replay(
    query: URLSearchParams,
    to: string | undefined,
    limit: number,
    cursor: string | undefined,
  ): Promise<ReplayStepRow> {
    if (to !== undefined) {
      throw new StartupError("gateway_unreachable", [
        "Whether another webhook exists knows a running gateway only: start it, and ask again",
      ]);
    }
    const replayed = replayedFilter(parsed(query));
    if ("problem" in replayed) throw new GatewayError("invalid_query", replayed.problem);
    const step = await this.#journal.records.replay(replayed.filter, limit, undefined, cursor);
    return { ...step, cursor: step.cursor ?? null };
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#journal[Symbol.asyncDispose]();
  }
}

class GatewayAccess implements EventAccess {
  readonly #client: AdminClient;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  async list(query: URLSearchParams, cursor: string | undefined): Promise<RecordPageRow> {
    const page = withOptional(query, { order: "oldest", contents: "true", limit: String(PAGE), cursor });
    return await this.#client.ask("GET", `${ROUTE}?${page}`) as RecordPageRow;
  }

  async replay(
    query: URLSearchParams,
    to: string | undefined,
    limit: number,
    cursor: string | undefined,
  ): Promise<ReplayStepRow> {
    const all = query.size === 0 ? "true" : undefined;
    const step = withOptional(query, { all, to, limit: String(limit), cursor });
    return await this.#client.ask("POST", `${ROUTE}/replay?${step}`) as ReplayStepRow;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function withOptional(
  query: URLSearchParams,
  more: Readonly<Record<string, string | undefined>>,
): URLSearchParams {
  const all = new URLSearchParams(query);
  for (const [name, value] of Object.entries(more)) if (value !== undefined) all.set(name, value);
  return all;
}

function parsed(query: URLSearchParams): ParsedRecordQuery {
  const parsed = parseRecordQuery(query, Date.now());
  if ("problem" in parsed) throw new GatewayError("invalid_query", parsed.problem);
  return parsed;
}
