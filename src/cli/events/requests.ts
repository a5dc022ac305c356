/**
 * `cwm requests`: the last requests of each webhook, and why they were refused.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import type { ListedRequest } from "../../http/routes/events/requests.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print, printError } from "../terminal.ts";

const HELP =
  `Lists the last requests to each webhook of the gateway on this machine, the newest first, and why they were refused

Usage: cwm requests [NAMESPACE[/ID]] [--refused] [--outcome NAME] [--limit N] [--json]

  NAMESPACE       Those to the webhooks of one namespace
  NAMESPACE/ID    Those to one webhook

Options:
      --refused   Those that were not accepted: with a status from 400 on
      --outcome NAME
                  Those with one outcome: accepted, duplicate, replayed, filtered, probe, challenge, or a code
                  such as unauthorized
      --limit N   At most so many, up to 1000  [default: 100]
      --json      Print one JSON object a line
  -h, --help      Print this help

The gateway keeps 20 of each webhook that were refused and 20 others, of the 1,000 webhooks of each kind that were
asked last, in memory: a restart forgets them. cwm tail shows those that come from now on, cwm events what stands
in the journal. The gateway is asked over HTTP at HOST and PORT, with ADMIN_TOKEN.

Exit status: 0 done; 1 the gateway cannot be asked; 2 wrong usage`;

/** How long the gateway may take to answer, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** What the gateway answers. */
interface Page {
  readonly since: string;
  readonly requests: readonly ListedRequest[];
  readonly others: number;
}

/**
 * Runs `cwm requests`. Returns the exit status.
 *
 * @param args what follows the command on the command line
 * @throws {StartupError} `usage`, or when the gateway cannot be asked
 */
export async function requests(args: readonly string[], settings: () => Settings): Promise<number> {
  const line = readCommandLine("requests", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const query = queryOf(line.operands, line.options);
  const { adminToken, ...from } = settings();
  if (adminToken === undefined) {
    throw new StartupError("gateway_unreachable", ["Set ADMIN_TOKEN to the gateway's: it shows nobody else"]);
  }
  const client = new AdminClient(from, adminToken, TIMEOUT_MS);
  const page = await client.ask("GET", `/admin/requests?${query}`) as Page;
  const isJson = line.options["json"] === true;
  for (const request of page.requests) {
    print(isJson ? JSON.stringify(request) : escapeUnsafe(describe(request)));
  }
  if (page.requests.length === 0) printError(`No request since the start of the gateway at ${page.since}`);
  if (page.others > 0) printError(`${page.others} more: see --limit`);
  return 0;
}

function describe(
  { time, namespace, webhook, outcome, status, id, ms, bytes, client, reason }: ListedRequest,
): string {
  const measured = ms === null ? "" : ` ${ms} ms ${bytes} B`;
  const line = `${time} ${status} ${outcome} ${namespace}/${webhook}${measured}${
    client === null ? "" : ` ${client}`
  } ${id}`;
  return reason === null ? line : `${line}: ${reason}`;
}

function queryOf(
  [of, ...others]: readonly string[],
  options: Readonly<Record<string, unknown>>,
): URLSearchParams {
  if (others.length > 0) throw usageError("requests", `Unexpected argument '${others[0]}'`);
  const query = new URLSearchParams();
  if (of !== undefined) query.set(of.includes("/") ? "webhook" : "namespace", of);
  if (options["refused"] === true) query.set("refused", "true");
  for (const name of ["outcome", "limit"]) {
    if (options[name] !== undefined) query.set(name, String(options[name]));
  }
  return query;
}
