import {
  type DeadLetterDetail,
  deadLetterDetail,
  type DeadLetterRow,
  deadLetterRow,
} from "../delivery/dead_letter_view.ts";
import { parseDeadLetterQuery } from "../delivery/dead_letter_query.ts";
import type { DeadLetterFilter } from "../delivery/dead_letters.ts";
import type { Journal } from "../delivery/journal.ts";
import { GatewayError, StartupError } from "../errors.ts";
import { mayHoldJournal, openJournal } from "../gateway.ts";
import { escapeUnsafe } from "../observability/safe_text.ts";
import type { Settings } from "../settings.ts";
import { localUrl } from "./local_url.ts";

/** How long the gateway may take to answer, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** Long enough for another command to end; a gateway keeps the journal for as long as it runs. */
const LOCK_WAIT_MS = 100;

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
  // To look at a journal must not make one: not for the gateway to find, nor in a mistyped directory.
  if (!await mayHoldJournal(settings)) return NO_LETTERS;
  try {
    return new JournalAccess(await openJournal(settings, { lockWaitMs: LOCK_WAIT_MS }));
  } catch (error) {
    if (!(error instanceof StartupError) || error.code !== "data_directory_in_use") throw error;
    if (settings.adminToken !== undefined) return new GatewayAccess(settings, settings.adminToken);
    throw new StartupError("data_directory_in_use", [
      `A gateway uses the data directory ${settings.dataDir}: set ADMIN_TOKEN to ask it for its dead letters`,
    ], { cause: error });
  }
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

/** What the gateway says of a request that it refuses. */
interface GatewayProblem {
  readonly code?: string;
  readonly message?: string;
}

class GatewayAccess implements DeadLetterAccess {
  readonly #origin: string;
  readonly #token: string;

  constructor(settings: Settings, token: string) {
    this.#origin = localUrl(settings);
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
    const query = new URLSearchParams({ id });
    return await this.#ask("GET", `/show?${query}`, { answer: undefined }) as DeadLetterDetail | undefined;
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

  /** The answer. @param ifNotFound what to answer instead of failing where there is no such dead letter */
  async #ask(
    method: "GET" | "POST",
    pathAndQuery: string,
    ifNotFound?: { readonly answer: undefined },
  ): Promise<unknown> {
    const { status, body } = await this.#fetch(method, pathAndQuery);
    const answer = parsed(body);
    if (status === 200 && answer !== undefined) return answer;
    const problem = (answer as { readonly error?: GatewayProblem } | undefined)?.error;
    if (ifNotFound !== undefined && status === 404 && problem?.code === "not_found") return ifNotFound.answer;
    throw new StartupError("gateway_unreachable", [this.#describe(status, problem)]);
  }

  #describe(status: number, problem: GatewayProblem | undefined): string {
    if (status === 401) {
      return `The gateway at ${this.#origin} does not accept this ADMIN_TOKEN: set the one that it was started with`;
    }
    if (problem?.message === undefined) {
      return `What answers at ${this.#origin} with status ${status} is not the gateway that uses the data ` +
        "directory: check HOST and PORT";
    }
    return escapeUnsafe(`The gateway at ${this.#origin} answers ${status}: ${problem.message}`);
  }

  async #fetch(
    method: "GET" | "POST",
    pathAndQuery: string,
  ): Promise<{ readonly status: number; readonly body: string }> {
    try {
      const response = await fetch(`${this.#origin}/admin/dead-letters${pathAndQuery}`, {
        method,
        headers: { "authorization": `Bearer ${this.#token}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, body: await response.text() };
    } catch (cause) {
      throw new StartupError("gateway_unreachable", [
        `Cannot reach the gateway that uses the data directory at ${this.#origin}: check HOST and PORT`,
      ], { cause });
    }
  }
}

/** What the JSON says; `undefined` where it is none. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function filterOf(query: URLSearchParams): DeadLetterFilter {
  const parsed = parseDeadLetterQuery(query, Date.now());
  if ("problem" in parsed) throw new GatewayError("invalid_query", parsed.problem);
  return parsed.filter;
}
