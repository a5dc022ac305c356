/**
 * `cwm status`: what is wrong with the gateway on this machine, the worst first.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";

const HELP =
  `Shows what is wrong with the gateway on this machine: the worst first, since when, why and what to do

Usage: cwm status [NAMESPACE[/ID]] [--json]

  NAMESPACE     What concerns the webhooks of one namespace
  NAMESPACE/ID  What concerns one webhook: itself, its outputs, connections and channels, each with its state

The gateway is asked over HTTP at HOST and PORT, with ADMIN_TOKEN.

Options:
      --json    Print what GET /admin/status answers
  -h, --help    Print this help

Exit status: 0 all is well; 1 something is wrong, or the gateway cannot be asked; 2 wrong usage`;

/** How long the gateway may take to answer, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** What the gateway answers, as far as it is shown. */
interface Status {
  readonly status: string;
  readonly unlisted: number;
  readonly subjects?: readonly { readonly part: string; readonly name: string; readonly state: string }[];
  readonly troubles: readonly {
    readonly part: string;
    readonly name: string;
    readonly kind: string;
    readonly state: string;
    readonly cause: string;
    readonly count?: number;
    /** ISO 8601. */
    readonly since: string;
  }[];
}

/**
 * Runs `cwm status`. Returns the exit status.
 *
 * @param args what follows the command on the command line
 * @throws {StartupError} `usage`, or when the gateway cannot be asked
 */
export async function status(args: readonly string[], settings: () => Settings): Promise<number> {
  const line = readCommandLine("status", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const [of, ...others] = line.operands;
  if (others.length > 0) throw usageError("status", `Unexpected argument '${others[0]}'`);
  const answer = await ask(settings(), of);
  if (line.options["json"] === true) print(JSON.stringify(answer, undefined, 2));
  else for (const text of linesOf(answer, of)) print(escapeUnsafe(text));
  return answer.status === "well" ? 0 : 1;
}

async function ask(settings: Settings, of: string | undefined): Promise<Status> {
  if (settings.adminToken === undefined) {
    throw new StartupError("gateway_unreachable", [
      "Set ADMIN_TOKEN to the gateway's: without it, it tells nobody what is wrong",
    ]);
  }
  const client = new AdminClient(settings, settings.adminToken, TIMEOUT_MS);
  const query = of === undefined ? "" : `?of=${encodeURIComponent(of)}`;
  return await client.ask("GET", `/admin/status${query}`) as Status;
}

function* linesOf(
  { status, troubles, subjects, unlisted }: Status,
  of: string | undefined,
): Iterable<string> {
  const what = of ?? "the gateway";
  yield status === "well" ? `All is well with ${what}` : `Something is ${status} with ${what}`;
  for (const { part, name, kind, state, cause, count, since } of troubles) {
    yield "";
    const events = count === undefined ? "" : `, ${count} ${count === 1 ? "time" : "times"}`;
    yield `${state}: ${part} ${name} (${kind}${events}), since ${since}`;
    yield `  ${cause}`;
  }
  if (unlisted > 0) yield `\n${unlisted} more are not listed`;
  if (subjects === undefined) return;
  yield "";
  for (const { part, name, state } of subjects) yield `${state}: ${part} ${name}`;
}
