import {
  type DeadLetterDetail,
  deadLetterDetail,
  type DeadLetterRow,
  deadLetterRow,
} from "../delivery/dead_letter_view.ts";
import { parseDeadLetterQuery } from "../delivery/dead_letter_query.ts";
import type { DeadLetterFilter } from "../delivery/dead_letters.ts";
import type { Journal } from "../delivery/journal.ts";
import { hasSqliteJournal } from "../delivery/sqlite/sqlite_journal.ts";
import { GatewayError, StartupError } from "../errors.ts";
import { openJournal } from "../gateway.ts";
import type { Settings } from "../settings.ts";
import { localUrl } from "./local_url.ts";

/** How long the gateway may take to answer, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** The dead letters, wherever they are. Queries are those of `delivery/dead_letter_query.ts`. */
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
  // Looking must not make a journal where there is none.
  if (!await hasSqliteJournal(settings.dataDir)) return NOTHING;
  try {
    return new JournalAccess(await openJournal(settings));
  } catch (error) {
    if (!(error instanceof StartupError) || error.code !== "data_directory_in_use") throw error;
    if (settings.adminToken !== undefined) return new GatewayAccess(settings, settings.adminToken);
    throw new StartupError("data_directory_in_use", [
      `A gateway uses the data directory ${settings.dataDir}: set ADMIN_TOKEN to ask it for its dead letters`,
    ], { cause: error });
  }
}

/** A data directory without a journal. */
const NOTHING: DeadLetterAccess = {
  list: () => Promise.resolve({ rows: [], cursor: undefined }),
  show: () => Promise.resolve(undefined),
  replay: () => Promise.resolve(0),
  drop: () => Promise.resolve(0),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

class JournalAccess implements DeadLetterAccess {
  readonly #journal: Journal;

  constructor(journal: Journal) {
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
  readonly #url: string;
  readonly #token: string;

  constructor(settings: Settings, token: string) {
    this.#url = `${localUrl(settings)}/admin/dead-letters`;
    this.#token = token;
  }

  async list(
    query: URLSearchParams,
    limit: number,
    cursor: string | undefined,
  ): ReturnType<DeadLetterAccess["list"]> {
    const page = new URLSearchParams(query);
    page.set("limit", String(limit));
    if (cursor !== undefined) page.set("cursor", cursor);
    const answer = await this.#ask("GET", `?${page}`) as {
      dead_letters: readonly DeadLetterRow[];
      cursor: string | null;
    };
    return { rows: answer.dead_letters, cursor: answer.cursor ?? undefined };
  }

  async show(id: string): Promise<DeadLetterDetail | undefined> {
    return await this.#ask("GET", `/show?${new URLSearchParams({ id })}`) as DeadLetterDetail | undefined;
  }

  async replay(query: URLSearchParams): Promise<number> {
    return (await this.#ask("POST", `/replay?${query}`) as { readonly replayed: number }).replayed;
  }

  async drop(query: URLSearchParams): Promise<number> {
    return (await this.#ask("POST", `/drop?${query}`) as { readonly dropped: number }).dropped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** The answer; `undefined` when there is no such dead letter. */
  async #ask(method: "GET" | "POST", pathAndQuery: string): Promise<unknown> {
    const response = await this.#fetch(method, pathAndQuery);
    const text = await response.text();
    if (response.status === 404) return undefined;
    if (response.ok) return JSON.parse(text);
    throw new StartupError("gateway_unreachable", [
      `The gateway at ${this.#url} answers ${response.status}: ${text.trim()}`,
    ]);
  }

  async #fetch(method: "GET" | "POST", pathAndQuery: string): Promise<Response> {
    try {
      return await fetch(this.#url + pathAndQuery, {
        method,
        headers: { "authorization": `Bearer ${this.#token}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw new StartupError("gateway_unreachable", [
        `Cannot reach the gateway that uses the data directory at ${this.#url}: check HOST and PORT`,
      ], { cause });
    }
  }
}

function filterOf(query: URLSearchParams): DeadLetterFilter {
  const parsed = parseDeadLetterQuery(query, Date.now());
  if ("problem" in parsed) throw new GatewayError("invalid_query", parsed.problem);
  return parsed.filter;
}
