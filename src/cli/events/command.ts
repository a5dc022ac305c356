/**
 * `cwm events`: the events of the journal as lines of JSON, and their delivery to where it is asked for. Asks the
 * gateway that owns the data directory where one runs, and opens the journal itself where none does.
 *
 * @module
 */

import { GatewayError, StartupError } from "../../errors.ts";
import {
  droppedFilter,
  meansAllRecords,
  parseRecordQuery,
  RECORD_QUERY_NAMES,
  replayedFilter,
  withoutAges,
} from "../../records/query.ts";
import { RECORD_STATES } from "../../records/records.ts";
import type { Settings } from "../../settings/settings.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print, printError } from "../terminal.ts";
import { openEvents, openEventsToDrop } from "./access.ts";
import { dropEvents } from "./drop.ts";
import { exportEvents } from "./export.ts";
import { replayEvents, type ReplayOptions } from "./replay.ts";
import { parseTarget, type ReplayTarget } from "./target.ts";

const HELP = `Writes the journal's events as lines of JSON, delivers them again, and drops them

Usage: cwm events export [filter] [--cursor CURSOR]
       cwm events replay (filter | --all) [--to URL | --to NAMESPACE/ID] [--rate N]
                         [--resume FILE | --cursor CURSOR] [--keep-going]
       cwm events drop (filter | --all) [--yes]

Filter, all of which must apply:
  --id ID             The event's id; this one may be given several times
  --namespace NAME    Namespace of the webhook
  --webhook ID        The webhook: ID or NAMESPACE/ID
  --state STATE       waiting, under_way, in_channel, delivered, dead_letter; may be given several times.
                      Default: all of these with export, delivered and dead_letter with replay, and
                      waiting and dead_letter, which alone can be dropped, with drop.
                      Delivered events are kept for JOURNAL_RETENTION_MS. With export also refused,
                      filtered, failed and delivered_at_once: the last requests of each webhook that have
                      left no event, as long as the gateway runs
  --since TIME        Received at this time or later, such as 2026-01-31T12:00:00Z
  --until TIME        Received before this time
  --newer-than AGE    Received less long ago than 30s, 15m, 12h, 7d
  --older-than AGE    Received longer ago

Options of replay:
  --to URL            Sends each event there by POST: its body and headers without credentials and
                      signatures, and cwm-event-id. Any address is allowed
  --to NAMESPACE/ID   Has the gateway deliver copies through this webhook. Default: each through its own
  --rate N            At most so many events a second
  --resume FILE       Keeps in FILE how far the replay is, and goes on from there when FILE exists
  --keep-going        With a URL: goes on after an event that could not be sent

Options of replay and drop:
  --all               Every event
  --yes               Drops the events for good. Default: says how many those are

  --cursor CURSOR     Goes on where an interrupted command says that it was
  -h, --help          Print this help

What is under way stays: cwm pause NAMESPACE/ID has the events of a webhook wait, as far as their attempts have
not begun. Gateways that share a journal drop what waits one by one, each its own.
An event keeps its id wherever it is sent. Ctrl-C ends after the request that is under way.
While a gateway uses DATA_DIR, it is asked over HTTP at HOST and PORT, with ADMIN_TOKEN.

Exit status: 0 done; 1 an event could not be sent, or the events cannot be reached; 2 wrong usage;
130 interrupted`;

/** Options that a replay has alone. */
const REPLAY_OPTIONS = ["to", "rate", "resume", "keep-going"] as const;

/** What a command line asks for. */
interface Options extends ReplayOptions {
  readonly action: "export" | "replay" | "drop";
  readonly confirms: boolean;
}

/**
 * Runs the command. Returns the exit status.
 *
 * @param args what follows `events` on the command line
 * @param stop ends it after the request that is under way. @default nothing does
 * @throws {StartupError} `usage`, or when the events cannot be reached
 */
export async function events(
  args: readonly string[],
  settings: () => Settings,
  stop: AbortSignal = new AbortController().signal,
): Promise<number> {
  const options = parseOptions(args);
  if (options === "help") {
    print(HELP);
    return 0;
  }
  const from = settings();
  stop.addEventListener("abort", () => printError("Ends after the request that is under way"), {
    once: true,
  });
  await using access = await (options.action === "drop" ? openEventsToDrop(from) : openEvents(from));
  try {
    switch (options.action) {
      case "export":
        return await exportEvents(access, options.query, options.cursor, stop);
      case "replay":
        return await replayEvents(access, options, stop);
      case "drop":
        return await dropEvents(access, options.query, options.confirms, stop);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code === "invalid_query") throw usage(error.message);
    const problem = `The events in ${from.dataDir} cannot be reached: ${error.message}`;
    throw new StartupError("journal_unavailable", [problem], { cause: error });
  }
}

function parseOptions(args: readonly string[]): Options | "help" {
  const line = readCommandLine("events", args);
  if (line === "help") return "help";
  const { options: parsed } = line;
  const [action, unexpected] = line.operands;
  if (action !== "export" && action !== "replay" && action !== "drop") {
    throw usage(action === undefined ? "An action is missing" : `Unknown action '${action}'`);
  }
  if (unexpected !== undefined) throw usage(`Unexpected argument '${unexpected}'`);
  const text = (name: string) => parsed[name] === undefined ? undefined : String(parsed[name]);
  const given = queryOf(parsed);
  const query = withoutAges(given, Date.now());
  refuseOptions(action, parsed);
  if (action !== "export") checkMeaning(action, query, parsed["all"] === true);
  if (text("resume") !== undefined && text("cursor") !== undefined) {
    throw usage("Name '--resume' or '--cursor', not both");
  }
  return {
    action,
    given,
    query: action === "export" ? withStates(query) : query,
    to: targetOf(text("to")),
    cursor: text("cursor"),
    rate: rateOf(text("rate")),
    resume: text("resume"),
    keepsGoing: parsed["keep-going"] === true,
    confirms: parsed["yes"] === true,
  };
}

function queryOf(parsed: Readonly<Record<string, unknown>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of RECORD_QUERY_NAMES) {
    for (const value of parsed[name] as readonly string[]) query.append(name, value);
  }
  const read = parseRecordQuery(query, Date.now());
  if ("problem" in read) throw usage(asOption(read.problem));
  return query;
}

/** Requests that have left no event are exported only where that is asked for. */
function withStates(query: URLSearchParams): URLSearchParams {
  if (query.has("state")) return query;
  const named = new URLSearchParams(query);
  for (const state of RECORD_STATES) named.append("state", state);
  return named;
}

/** Options that go with other actions. */
function refuseOptions(action: Options["action"], parsed: Readonly<Record<string, unknown>>): void {
  const isGiven = (name: string) => parsed[name] !== undefined && parsed[name] !== false;
  const ofReplay = action === "replay" ? undefined : REPLAY_OPTIONS.find(isGiven);
  if (ofReplay !== undefined) throw usage(`Option '--${ofReplay}' goes with 'replay' only`);
  if (action !== "drop" && isGiven("yes")) throw usage("Option '--yes' goes with 'drop' only");
  if (action === "drop" && isGiven("cursor")) {
    throw usage("Option '--cursor' goes with 'export' and 'replay' only");
  }
  if (action === "export" && isGiven("all")) throw usage("Option '--all' goes with 'replay' and 'drop' only");
}

/** The query must say which events are meant, so that none is sent or dropped by an oversight. */
function checkMeaning(action: "replay" | "drop", query: URLSearchParams, all: boolean): void {
  const read = parseRecordQuery(query, Date.now());
  const meant = "problem" in read ? read : action === "replay" ? replayedFilter(read) : droppedFilter(read);
  if ("problem" in meant) throw usage(asOption(meant.problem));
  if (meansAllRecords(query) === all) return;
  throw usage(
    all
      ? `Name a filter or '--all', not both: '--all' would ${action} every event`
      : `Name a filter, or '--all' to ${action} every event`,
  );
}

function targetOf(to: string | undefined): ReplayTarget {
  const target = parseTarget(to);
  if (typeof target === "string") throw usage(target);
  return target;
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const rate = Number(text);
  if (rate > 0 && rate <= 1_000_000) return rate;
  throw usage(`Option '--rate' must be a number of events a second, above 0, current value is '${text}'`);
}

/** The same words in an admin route name a parameter. */
function asOption(problem: string): string {
  return problem.replace(/^'([a-z-]+)'/, "Option '--$1'");
}

function usage(problem: string): StartupError {
  return usageError("events", problem);
}
