/**
 * Two ways to the dead letters: the journal itself, or the gateway that owns it.
 *
 * @module
 */

import {
  type DeadLetterDetail,
  deadLetterDetail,
  type DeadLetterRow,
  deadLetterRow,
} from "../../dead_letters/view.ts";
import { parseDeadLetterQuery } from "../../dead_letters/query.ts";
import type { DeadLetterFilter } from "../../dead_letters/dead_letters.ts";
import type { JournalContents } from "../../journal/journal_store.ts";
import { GatewayError } from "../../errors.ts";
import { mayHoldJournal } from "../../gateway/backends.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient, ANSWER_TIMEOUT_MS } from "../admin_client.ts";
import { openJournalOrClient } from "../journal/access.ts";

/** Where a gateway answers for its dead letters. */
const ROUTES = "/admin/dead-letters";

/** The dead letters, wherever they are. Queries are those of `dead_letters/query.ts`. */
export interface DeadLetterAccess extends AsyncDisposable {
  list(
    query: URLSearchParams,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ readonly rows: readonly DeadLetterRow[]; readonly cursor: string | undefined }>;
  show(id: string): Promise<DeadLetterDetail | undefined>;
  replay(query: URLSearchParams): Promise<number>;
  drop(query: URLSearchParams): Promise<number>;
}

/**
 * Finds the dead letters: in the journal, or through the gateway that owns it.
 *
 * @throws {StartupError} when a gateway owns it and cannot be asked
 */
export async function openDeadLetters(settings: Settings): Promise<DeadLetterAccess> {
  // To look at a journal must not make one: not for the gateway to find, nor in a mistyped directory.
  if (!await mayHoldJournal(settings)) return NO_LETTERS;
  const opened = await openJournalOrClient(settings, {
    about: "its dead letters",
    timeoutMs: ANSWER_TIMEOUT_MS,
  });
  return opened instanceof AdminClient ? new GatewayAccess(opened) : new JournalAccess(opened);
}

/** There is no journal, so there are no letters. */
const NO_LETTERS: DeadLetterAccess = {
  list: () => Promise.resolve({ rows: [], cursor: undefined }),
  show: () => Promise.resolve(undefined),
  replay: () => Promise.resolve(0),
  drop: () => Promise.resolve(0),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

class JournalAccess implements DeadLetterAccess {
  readonly #journal: Pick<JournalContents, "deadLetters"> & AsyncDisposable;

  constructor(journal: Pick<JournalContents, "deadLetters"> & AsyncDisposable) {
    this.#journal = journal;
  }

  async list(
    query: URLSearchParams,
    limit: number,
    cursor: string | undefined,
  ): ReturnType<DeadLetterAccess["list"]> {
    const page = await this.#journal.deadLetters.list(filterOf(query), limit, cursor);
    return { rows: page.letters.map(deadLetterRow), cursor: page.cursor };
  }

  async show(id: string): Promise<DeadLetterDetail | undefined> {
    const letter = await this.#journal.deadLetters.get(id);
    return letter === undefined ? undefined : deadLetterDetail(letter);
  }

  replay(query: URLSearchParams): Promise<number> {
    return this.#journal.deadLetters.replay(filterOf(query));
  }

  drop(query: URLSearchParams): Promise<number> {
    return this.#journal.deadLetters.drop(filterOf(query));
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#journal[Symbol.asyncDispose]();
  }
}

class GatewayAccess implements DeadLetterAccess {
  readonly #client: AdminClient;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  async list(
    query: URLSearchParams,
    limit: number,
    cursor: string | undefined,
  ): ReturnType<DeadLetterAccess["list"]> {
    const page = new URLSearchParams(query);
    page.set("limit", String(limit));
    if (cursor !== undefined) page.set("cursor", cursor);
    const answer = await this.#client.ask("GET", `${ROUTES}?${page}`) as {
      dead_letters: readonly DeadLetterRow[];
      cursor: string | null;
    };
    return { rows: answer.dead_letters, cursor: answer.cursor ?? undefined };
  }

  async show(id: string): Promise<DeadLetterDetail | undefined> {
    const query = new URLSearchParams({ id });
    return await this.#client.ask("GET", `${ROUTES}/show?${query}`, { answer: undefined }) as
      | DeadLetterDetail
      | undefined;
  }

  async replay(query: URLSearchParams): Promise<number> {
    return (await this.#client.ask("POST", `${ROUTES}/replay?${query}`) as { readonly replayed: number })
      .replayed;
  }

  async drop(query: URLSearchParams): Promise<number> {
    return (await this.#client.ask("POST", `${ROUTES}/drop?${query}`) as { readonly dropped: number })
      .dropped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function filterOf(query: URLSearchParams): DeadLetterFilter {
  const parsed = parseDeadLetterQuery(query, Date.now());
  if ("problem" in parsed) throw new GatewayError("invalid_query", parsed.problem);
  return parsed.filter;
}
