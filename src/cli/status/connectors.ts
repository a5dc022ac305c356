/**
 * `cwm connectors`: who takes the events of channels, and the end of a connection.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";

const HELP = `Lists the connectors of the gateway on this machine, or ends the connection of one

Usage: cwm connectors list [--channel NAME] [--json]
       cwm connectors end ID

  list   Each with its id, channel, name, address, since when it is there, how many events it may hold and holds,
         and when it acknowledged one last. Those that are not connected are waited for
  end    What the connector holds is handed out again; it may come again, as after a lost connection. To keep it
         out, change the channel's token

Options:
      --channel NAME  Those of one channel
      --json          Print what GET /admin/connectors answers
  -h, --help          Print this help

The gateway is asked over HTTP at HOST and PORT, with ADMIN_TOKEN.

Exit status: 0 done; 1 the gateway cannot be asked, or there is no such connector; 2 wrong usage`;

/** How long the gateway may take to answer, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** A connector, as the gateway describes it. */
interface ConnectorRow {
  readonly id: string;
  readonly channel: string;
  readonly name: string;
  readonly address: string;
  readonly transport: string;
  readonly connected: boolean;
  /** ISO 8601. */
  readonly since: string;
  readonly window: number;
  readonly in_flight: number;
  readonly acknowledged_at: string | null;
}

/**
 * Runs the command. Returns the exit status.
 *
 * @param args what follows `connectors` on the command line
 * @throws {StartupError} `usage`, or when the gateway cannot be asked
 */
export async function connectors(args: readonly string[], settings: () => Settings): Promise<number> {
  const line = readCommandLine("connectors", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const { options } = line;
  const [action, id, ...others] = line.operands;
  if (action !== "list" && action !== "end") {
    throw usageError(
      "connectors",
      action === undefined ? "An action is missing" : `Unknown action '${action}'`,
    );
  }
  if (others.length > 0) throw usageError("connectors", `Unexpected argument '${others[0]}'`);
  if (action === "end") {
    if (id === undefined) {
      throw usageError("connectors", "The connector's id is missing: see cwm connectors list");
    }
    await clientOf(settings()).ask("POST", `/admin/connectors/end?${new URLSearchParams({ id })}`);
    print(`The connection of ${id} is ended`);
    return 0;
  }
  if (id !== undefined) throw usageError("connectors", `Unexpected argument '${id}'`);
  const query = options["channel"] === undefined
    ? ""
    : `?${new URLSearchParams({ channel: String(options["channel"]) })}`;
  const answer = await clientOf(settings()).ask("GET", `/admin/connectors${query}`) as {
    readonly connectors: readonly ConnectorRow[];
    readonly unlisted: number;
  };
  if (options["json"] === true) print(JSON.stringify(answer, undefined, 2));
  else for (const text of linesOf(answer.connectors, answer.unlisted)) print(escapeUnsafe(text));
  return 0;
}

function* linesOf(rows: readonly ConnectorRow[], unlisted: number): Iterable<string> {
  if (rows.length === 0) yield "There is no connector";
  for (const row of rows) {
    const name = row.name === "" ? "" : ` (${row.name})`;
    const state = row.connected ? "connected" : "waited for";
    const last = row.acknowledged_at === null
      ? "has acknowledged nothing yet"
      : `acknowledged ${row.acknowledged_at}`;
    yield `${row.id}${name}: channel ${row.channel}, ${state} since ${row.since} from ${row.address} by ` +
      `${row.transport}, holds ${row.in_flight} of ${row.window}, ${last}`;
  }
  if (unlisted > 0) yield `${unlisted} more are not listed`;
}

function clientOf({ adminToken, ...settings }: Settings): AdminClient {
  if (adminToken !== undefined) return new AdminClient(settings, adminToken, TIMEOUT_MS);
  throw new StartupError("gateway_unreachable", ["Set ADMIN_TOKEN to the gateway's: it tells nobody else"]);
}
