/**
 * `cwm retry`: has the gateway try again at once what waits for its next attempt.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import { isNamespace, isWebhookId } from "../../event/names.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";

const HELP =
  `Has the gateway on this machine try again at once what waits for its next attempt: what failed is mended

Usage: cwm retry NAMESPACE[/ID]
       cwm retry --all

  NAMESPACE     The events of all webhooks of a namespace
  NAMESPACE/ID  The events of one webhook

An output that is left alone for a while is asked at once whether it is back. No attempt is given up or counted
for it. Events of a paused webhook stay: cwm resume has them go. Gateways that share a journal are asked one by
one: each delivers what it has accepted.

The gateway is asked over HTTP at HOST and PORT, with ADMIN_TOKEN.

Options:
      --all     The events of every webhook
  -h, --help    Print this help

Exit status: 0 done; 1 the gateway cannot be asked; 2 wrong usage`;

/** How long the gateway may take to answer, in milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * Runs `cwm retry`. Returns the exit status.
 *
 * @param args what follows the command on the command line
 * @throws {StartupError} `usage`, or when the gateway cannot be asked
 */
export async function retry(args: readonly string[], settings: () => Settings): Promise<number> {
  const line = readCommandLine("retry", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const query = queryOf(line.operands, line.options["all"] === true);
  const { adminToken, ...from } = settings();
  if (adminToken === undefined) {
    throw new StartupError("gateway_unreachable", [
      "Set ADMIN_TOKEN to the gateway's: it takes no order without",
    ]);
  }
  const client = new AdminClient(from, adminToken, TIMEOUT_MS);
  const { webhooks, events } = await client.ask("POST", `/admin/events/retry?${query}`) as Retried;
  print(
    events === 0
      ? "No event waits"
      : `${countOf(events, "waiting event")} of ${countOf(webhooks, "webhook")} ` +
        `${events === 1 ? "is" : "are"} tried now`,
  );
  return 0;
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

interface Retried {
  readonly webhooks: number;
  readonly events: number;
}

function queryOf([of, ...others]: readonly string[], all: boolean): URLSearchParams {
  if (others.length > 0) throw usageError("retry", `Unexpected argument '${others[0]}'`);
  if ((of === undefined) !== all) {
    throw usageError("retry", "Name NAMESPACE/ID or NAMESPACE, or '--all' for every webhook, one of them");
  }
  if (of === undefined) return new URLSearchParams({ all: "true" });
  const [namespace = "", id, ...more] = of.split("/");
  if (!isNamespace(namespace) || (id !== undefined && !isWebhookId(id)) || more.length > 0) {
    throw usageError("retry", `'${of}' is no NAMESPACE and no NAMESPACE/ID of a webhook`);
  }
  return new URLSearchParams(id === undefined ? { namespace } : { webhook: of });
}
