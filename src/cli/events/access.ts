/**
 * Two ways to the events of the journal: the journal itself, or the gateway that owns it.
 *
 * @module
 */

import { GatewayError, StartupError } from "../../errors.ts";
import { mayHoldJournal } from "../../gateway/backends.ts";
import type { JournalContents } from "../../journal/journal_store.ts";
import {
  droppedFilter,
  type ParsedRecordQuery,
  parseRecordQuery,
  replayedFilter,
} from "../../records/query.ts";
import { countRow, dropRow, type DropStepRow, type RecordPageRow, recordRow } from "../../records/view.ts";
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
  /** One step of a drop. @param confirms otherwise it is only said what would be dropped */
  drop(query: URLSearchParams, confirms: boolean, cursor: string | undefined): Promise<DropStepRow>;
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

/**
 * The events for a drop: {@linkcode openEvents}, but that a gateway has what waits in a shared journal in memory, and has
 * to be asked itself.
 *
 * @throws {StartupError} when a gateway has to be asked and cannot be
 */
export async function openEventsToDrop(settings: Settings): Promise<EventAccess> {
  const { journal, adminToken } = settings;
  if (journal.postgres === undefined) return await openEvents(settings);
  if (adminToken !== undefined) return new GatewayAccess(new AdminClient(settings, adminToken));
  throw new StartupError("gateway_unreachable", [
    "Set ADMIN_TOKEN to the gateway's: what waits in a shared journal is dropped by the gateway that delivers it",
  ]);
}

const NO_EVENTS: EventAccess = {
  list: () => Promise.resolve({ events: [], cursor: null }),
  replay: () => Promise.resolve({ replayed: 0, skipped: 0, cursor: null }),
  drop: () => Promise.resolve({ matching: 0, dropped: 0, kept: 0, cursor: null }),
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

  async drop(
    query: URLSearchParams,
    confirms: boolean,
    cursor: string | undefined,
  ): Promise<DropStepRow> {
    const asked = droppedFilter(parsed(query));
    if ("problem" in asked) throw new GatewayError("invalid_query", asked.problem);
    const { records } = this.#journal;
    if (confirms) return dropRow(await records.drop(asked.filter, PAGE, cursor));
    const options = { order: "oldest", limit: PAGE, contents: false, cursor } as const;
    return countRow(await records.list(asked.filter, options));
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

  async drop(
    query: URLSearchParams,
    confirms: boolean,
    cursor: string | undefined,
  ): Promise<DropStepRow> {
    const all = query.size === 0 ? "true" : undefined;
    const step = withOptional(query, { all, confirm: String(confirms), limit: String(PAGE), cursor });
    return await this.#client.ask("POST", `${ROUTE}/drop?${step}`) as DropStepRow;
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
