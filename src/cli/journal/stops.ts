/**
 * `cwm pause` and `cwm resume`: stops the deliveries of a webhook, and has them go on.
 *
 * @module
 */

import { isNamespace, isWebhookId } from "../../event/names.ts";
import type { LaneKey } from "../../journal/journal.ts";
import { pausedLane } from "../../delivery/stops/stops.ts";
import type { JournalContents } from "../../journal/journal_store.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { openJournalOrClient } from "./access.ts";
import { print } from "../terminal.ts";

const ROUTES = "/admin/stops";

const AFTERWORD =
  `While a gateway uses DATA_DIR, it is asked over HTTP at HOST and PORT, with ADMIN_TOKEN; otherwise it
is remembered there for the next start.

Options:
  -h, --help    Print this help

Exit status: 0 done; 1 it could not be done; 2 wrong usage`;

const HELP = {
  pause: `Stops the deliveries of a webhook, until cwm resume

Usage: cwm pause NAMESPACE/ID
       cwm pause --list

  NAMESPACE/ID  Its events wait in the journal, however long; what is under way ends. With accept: delivered,
                senders get 503 webhook_paused. Remembered over restarts.
  --list        Lists the webhooks that are paused, and those that are switched off since their target has
                failed for long, with the cause

${AFTERWORD}`,
  resume: `Has a webhook deliver again that was paused, or switched off since its target had failed for long

Usage: cwm resume NAMESPACE/ID

The events that waited go at once.

${AFTERWORD}`,
} as const;

/** What is shown of a stopped webhook. */
interface StoppedRow extends LaneKey {
  readonly state: string;
  /** ISO 8601. */
  readonly since: string;
  readonly cause: string;
}

/**
 * Runs `cwm pause` or `cwm resume`. Returns the exit status.
 *
 * @param args what follows the command on the command line
 * @throws {StartupError} `usage`, or when it cannot be done
 */
export async function stopOrGoOn(
  command: keyof typeof HELP,
  args: readonly string[],
  settings: () => Settings,
): Promise<number> {
  const line = readCommandLine(command, args);
  if (line === "help") {
    print(HELP[command]);
    return 0;
  }
  const lists = line.options["list"] === true;
  const lane = lists ? undefined : laneIn(command, line.operands);
  if (lists && line.operands.length > 0) {
    throw usageError(command, `Unexpected argument '${line.operands[0]}'`);
  }
  await using access = accessTo(await openJournalOrClient(settings()));
  if (lane === undefined) {
    const rows = await access.list();
    for (const row of rows) print(describe(row));
    if (rows.length === 0) print("No webhook is paused or switched off");
  } else if (command === "pause") {
    await access.pause(lane);
    print(`The deliveries of ${nameOf(lane)} are paused`);
  } else {
    const wasStopped = await access.resume(lane);
    print(wasStopped ? `The deliveries of ${nameOf(lane)} go on` : `${nameOf(lane)} was not stopped`);
  }
  return 0;
}

/** Where webhooks are stopped: in the journal, or in the gateway that uses it. */
interface Access extends AsyncDisposable {
  list(): Promise<readonly StoppedRow[]>;
  pause(lane: LaneKey): Promise<void>;
  resume(lane: LaneKey): Promise<boolean>;
}

function accessTo(opened: JournalContents & AsyncDisposable | AdminClient): Access {
  return opened instanceof AdminClient ? throughGateway(opened) : throughJournal(opened);
}

function throughJournal(journal: JournalContents & AsyncDisposable): Access {
  const { stops } = journal;
  return {
    list: async () =>
      (await stops.list()).map((row) => ({ ...row, since: new Date(row.since).toISOString() })),
    pause: (lane) => stops.put(pausedLane(lane)),
    resume: (lane) => stops.remove(lane),
    [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
  };
}

function throughGateway(gateway: AdminClient): Access {
  const query = (lane: LaneKey) => `?webhook=${encodeURIComponent(nameOf(lane))}`;
  return {
    list: async () => (await gateway.ask("GET", ROUTES) as { webhooks: readonly StoppedRow[] }).webhooks,
    pause: async (lane) => void await gateway.ask("POST", `${ROUTES}/pause${query(lane)}`),
    resume: async (lane) =>
      (await gateway.ask("POST", `${ROUTES}/resume${query(lane)}`) as { resumed: boolean }).resumed,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function describe({ namespace, webhook, state, since, cause }: StoppedRow): string {
  return `${namespace}/${webhook}: ${state} since ${since}: ${cause}`;
}

function laneIn(command: keyof typeof HELP, [name, ...others]: readonly string[]): LaneKey {
  if (name === undefined) throw usageError(command, "The webhook is missing");
  if (others.length > 0) throw usageError(command, `Unexpected argument '${others[0]}'`);
  const [namespace = "", webhook = "", ...more] = name.split("/");
  if (!isNamespace(namespace) || !isWebhookId(webhook) || more.length > 0) {
    throw usageError(command, `'${name}' is not a webhook's NAMESPACE/ID`);
  }
  return { namespace, webhook };
}

function nameOf({ namespace, webhook }: LaneKey): string {
  return `${namespace}/${webhook}`;
}
