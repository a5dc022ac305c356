/**
 * `cwm dead-letters`: what could not be delivered, for the person who has to decide what becomes of it. Asks
 * the gateway that owns the data directory where one runs, and opens the journal itself where none does.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { meansAll, parseDeadLetterQuery, QUERY_NAMES } from "../delivery/dead_letter_query.ts";
import type { DeadLetterRow } from "../delivery/dead_letter_view.ts";
import { StartupError } from "../errors.ts";
import { escapeUnsafe } from "../observability/safe_text.ts";
import type { Settings } from "../settings.ts";
import { type DeadLetterAccess, openDeadLetters } from "./dead_letter_access.ts";
import { print } from "./terminal.ts";

const HELP = `Lists, shows, replays and drops events that could not be delivered

Usage: cwm dead-letters list [filter] [--limit N] [--json]
       cwm dead-letters show ID
       cwm dead-letters replay (filter | --all)
       cwm dead-letters drop (filter | --all)

Filter, all of which must apply:
  --id ID             The event's id; may be given several times
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
  --json        One JSON object a line
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
  await using letters = await openDeadLetters(settings());
  switch (options.action) {
    case "list":
      return await list(letters, options);
    case "show":
      return await show(letters, options.query.get("id")!);
    case "replay":
      print(`${count(await letters.replay(options.query))} replayed`);
      return 0;
    case "drop":
      print(`${count(await letters.drop(options.query))} dropped`);
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
    print(cursor === undefined ? count(shown) : `${count(shown)} shown, there are more: see --limit`);
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
  const parsed = parseArgs(args, {
    string: [...QUERY_NAMES, "limit"],
    collect: ["id"],
    boolean: ["all", "json", "help"],
    alias: { h: "help" },
    unknown: (argument: string) => {
      if (argument.startsWith("-")) throw usage(`Unknown option '${argument}'`);
    },
  });
  if (parsed["help"] === true) return "help";
  const [action, ...operands] = parsed._.map(String);
  if (!ACTIONS.some((known) => known === action)) {
    throw usage(action === undefined ? "An action is missing" : `Unknown action '${action}'`);
  }
  const query = queryOf(parsed, action === "show" ? operands : [], operands);
  const { filter } = checked(query);
  if (action === "show" && query.getAll("id").length !== 1) throw usage("Name one dead letter by its id");
  if ((action === "replay" || action === "drop") && meansAll(filter) !== (parsed["all"] === true)) {
    throw usage(`Name a filter, or '--all' to ${action} every dead letter`);
  }
  if (parsed["all"] === true) query.set("all", "true");
  return { action: action as Action, query, limit: limitOf(parsed["limit"]), json: parsed["json"] === true };
}

function queryOf(
  parsed: Readonly<Record<string, unknown>>,
  ids: readonly string[],
  operands: readonly string[],
): URLSearchParams {
  const [unexpected] = ids.length > 0 ? [] : operands;
  if (unexpected !== undefined) throw usage(`Unexpected argument '${unexpected}'`);
  const query = new URLSearchParams();
  for (const name of QUERY_NAMES) {
    const given = parsed[name];
    for (const value of Array.isArray(given) ? given : given === undefined ? [] : [given]) {
      query.append(name, String(value));
    }
  }
  for (const id of ids) query.append("id", id);
  return query;
}

function checked(query: URLSearchParams) {
  const parsed = parseDeadLetterQuery(query, Date.now());
  if ("problem" in parsed) throw usage(parsed.problem.replaceAll("'older-than'", "--older-than"));
  return parsed;
}

function limitOf(given: unknown): number {
  if (given === undefined) return 100;
  const limit = Number(given);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw usage(`--limit must be a whole number from 1, current value is '${given}'`);
}

function count(number: number): string {
  return `${number} ${number === 1 ? "dead letter" : "dead letters"}`;
}

function usage(problem: string): StartupError {
  return new StartupError("usage", [problem, "Run 'cwm dead-letters --help' for the options"]);
}
