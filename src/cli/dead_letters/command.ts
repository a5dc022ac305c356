/**
 * `cwm dead-letters`: what could not be delivered, for the person who has to decide what to do about it. Asks
 * the gateway that owns the data directory where one runs, and opens the journal itself where none does.
 *
 * @module
 */

import { meansAll, parseDeadLetterQuery, QUERY_NAMES } from "../../dead_letters/query.ts";
import type { DeadLetterRow } from "../../dead_letters/view.ts";
import { GatewayError, StartupError } from "../../errors.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import type { Settings } from "../../settings/settings.ts";
import { type DeadLetterAccess, openDeadLetters } from "./access.ts";
import { print } from "../terminal.ts";
import { count, readCommandLine, usageError } from "../command_line.ts";

const HELP = `Lists, shows, replays and drops events that could not be delivered

Usage: cwm dead-letters list [filter] [--limit N] [--json]
       cwm dead-letters show ID
       cwm dead-letters replay (filter | --all)
       cwm dead-letters drop (filter | --all)

Filter, all of which must apply:
  --id ID             The event's id; this one may be given several times
  --namespace NAME    Namespace of the webhook
  --webhook ID        The webhook
  --connection NAME   What could not take it: a connection, or a module without one
  --reason CODE       The error code, for example output_rejected
  --older-than AGE    Given up longer ago than 30s, 15m, 12h, 7d
  --newer-than AGE    Given up less long ago

While a gateway uses DATA_DIR, it is asked over HTTP at HOST and PORT, with ADMIN_TOKEN.

Options:
  --all         Every dead letter there is
  --limit N     How many to list (default: 100)
  --json        Lists one JSON object a line
  -h, --help    Print this help

Exit status: 0 done; 1 no such dead letter, or it cannot be reached; 2 wrong usage`;

const ACTIONS = ["list", "show", "replay", "drop"] as const;

type Action = (typeof ACTIONS)[number];

interface Options {
  readonly action: Action;
  readonly query: URLSearchParams;
  readonly limit: number;
  readonly json: boolean;
}

/**
 * Runs the command. Returns the exit status.
 *
 * @param args what follows `dead-letters` on the command line
 * @throws {StartupError} `usage`, or when the dead letters cannot be reached
 */
export async function deadLetters(args: readonly string[], settings: () => Settings): Promise<number> {
  const options = parseOptions(args);
  if (options === "help") {
    print(HELP);
    return 0;
  }
  const from = settings();
  await using letters = await openDeadLetters(from);
  try {
    return await act(letters, options);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const problem = `The dead letters in ${from.dataDir} cannot be reached: ${error.message}`;
    throw new StartupError("journal_unavailable", [problem], { cause: error });
  }
}

async function act(letters: DeadLetterAccess, options: Options): Promise<number> {
  switch (options.action) {
    case "list":
      return await list(letters, options);
    case "show":
      return await show(letters, options.query.get("id")!);
    case "replay":
      print(`${count(await letters.replay(options.query), "dead letter")} replayed`);
      return 0;
    case "drop":
      print(`${count(await letters.drop(options.query), "dead letter")} dropped`);
      return 0;
  }
}

async function list(letters: DeadLetterAccess, { query, limit, json }: Options): Promise<number> {
  let shown = 0;
  let cursor: string | undefined;
  do {
    const page = await letters.list(query, Math.min(limit - shown, 1000), cursor);
    for (const row of page.rows) print(json ? JSON.stringify(row) : describe(row));
    shown += page.rows.length;
    cursor = page.cursor;
  } while (cursor !== undefined && shown < limit);
  if (!json) {
    print(
      cursor === undefined
        ? count(shown, "dead letter")
        : `${count(shown, "dead letter")} shown, there are more: see --limit`,
    );
  }
  return 0;
}

async function show(letters: DeadLetterAccess, id: string): Promise<number> {
  const letter = await letters.show(id);
  if (letter === undefined) {
    print(`There is no dead letter '${escapeUnsafe(id)}'`);
    return 1;
  }
  print(JSON.stringify(letter, undefined, 2));
  return 0;
}

function describe(row: DeadLetterRow): string {
  const target = row.connection === "" ? "" : ` (${row.connection})`;
  return escapeUnsafe(
    `${row.died_at}  ${row.id}  ${row.namespace}/${row.webhook}  ${row.reason}${target}: ${row.message}, ` +
      `${row.attempts} ${row.attempts === 1 ? "attempt" : "attempts"}, ${row.bytes} bytes`,
  );
}

function parseOptions(args: readonly string[]): Options | "help" {
  const line = readCommandLine("dead-letters", args);
  if (line === "help") return "help";
  const { options: parsed } = line;
  const [word, ...operands] = line.operands;
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) {
    throw usage(word === undefined ? "An action is missing" : `Unknown action '${word}'`);
  }
  const all = parsed["all"] === true;
  const json = parsed["json"] === true;
  if (parsed["limit"] !== undefined && action !== "list") {
    throw usage("Option '--limit' goes with 'list' only");
  }
  if (json && action !== "list") throw usage("Option '--json' goes with 'list' only");
  const query = queryOf(parsed, action === "show" ? operands : []);
  const [unexpected] = action === "show" ? [] : operands;
  if (unexpected !== undefined) throw usage(`Unexpected argument '${unexpected}'`);
  checkMeaning(action, query, all);
  if (all && action !== "list") query.set("all", "true");
  return { action, query, limit: limitOf(parsed["limit"]), json };
}

function queryOf(parsed: Readonly<Record<string, unknown>>, ids: readonly string[]): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of QUERY_NAMES) {
    for (const value of parsed[name] as readonly string[]) query.append(name, value);
  }
  for (const id of ids) query.append("id", id);
  return query;
}

/** The query must say which letters are meant, so that none is changed by an oversight. */
function checkMeaning(action: Action, query: URLSearchParams, all: boolean): void {
  if (action === "show" && (all || query.getAll("id").length !== 1 || query.size !== 1)) {
    throw usage("Name one dead letter by its id, and nothing else");
  }
  const parsed = parseDeadLetterQuery(query, Date.now());
  // The same words in an admin route name a parameter.
  if ("problem" in parsed) throw usage(parsed.problem.replace(/^'([a-z-]+)'/, "Option '--$1'"));
  if (action === "list" || action === "show") return;
  if (meansAll(parsed.filter) === all) return;
  throw usage(
    all
      ? `Name a filter or '--all', not both: '--all' would ${action} every dead letter`
      : `Name a filter, or '--all' to ${action} every dead letter`,
  );
}

function limitOf(given: unknown): number {
  if (given === undefined) return 100;
  const limit = Number(given);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw usage(`Option '--limit' must be a whole number from 1, current value is '${given}'`);
}

function usage(problem: string): StartupError {
  return usageError("dead-letters", problem);
}
