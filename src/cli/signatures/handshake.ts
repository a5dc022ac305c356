/**
 * `cwm handshake`: has the gateway wait for the secret that a provider brings by itself, and shows it once.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import { isNamespace, isWebhookId } from "../../event/names.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";

const HELP = `Takes the secret that a provider brings by itself, as Asana and Notion do

Usage: cwm handshake NAMESPACE/ID [--open TIME | --show | --forget]

  --open TIME   Takes the secret that the next handshake within TIME brings, such as 90s, 10m or 1h (at most 24h);
                then have the provider begin. At all other times a handshake gets 401.
  --show        Prints the secret that was brought, once. Name it as 'secret' of the webhook.
  --forget      Forgets the secret that was brought, so that another one can be
  (nothing)     Says whether a secret is waited for, and whether one was brought

The gateway that runs on this machine is asked over HTTP at HOST and PORT, with ADMIN_TOKEN. Until the configuration
names a secret, requests are verified with the one that was brought, and the webhook is listed as a problem.

Options:
  -h, --help    Print this help

Exit status: 0 done; 1 it could not be done; 2 wrong usage`;

const ROUTES = "/admin/handshakes";

const SECONDS_OF_UNIT = { s: 1, m: 60, h: 3600 } as const;

/** What the gateway says of a webhook. */
interface State {
  readonly secret_named: boolean;
  readonly open_until: string | null;
  readonly taken_at: string | null;
  readonly shown: boolean;
}

/**
 * Runs the command. Returns the exit status.
 *
 * @param args what follows `handshake` on the command line
 * @throws {StartupError} `usage`, or when it cannot be done
 */
export async function handshake(args: readonly string[], settings: () => Settings): Promise<number> {
  const line = readCommandLine("handshake", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const webhook = webhookIn(line.operands);
  const { open, show, forget } = line.options;
  if ([open !== undefined, show === true, forget === true].filter(Boolean).length > 1) {
    throw usage("Give one of --open, --show and --forget");
  }
  const query = `?webhook=${encodeURIComponent(webhook)}`;
  const seconds = open === undefined ? undefined : secondsIn(String(open));
  const gateway = clientOf(settings());
  if (seconds !== undefined) {
    const state = await gateway.ask("POST", `${ROUTES}/open${query}&seconds=${seconds}`) as State;
    print(`The next handshake of ${webhook} is taken until ${state.open_until}: have the provider begin`);
  } else if (show === true) {
    const { secret } = await gateway.ask("POST", `${ROUTES}/show${query}`) as { readonly secret: string };
    print(secret);
  } else if (forget === true) {
    const { forgotten } = await gateway.ask("POST", `${ROUTES}/forget${query}`) as {
      readonly forgotten: boolean;
    };
    print(forgotten ? `The secret of ${webhook} is forgotten` : `${webhook} was brought no secret`);
  } else print(describe(webhook, await gateway.ask("GET", `${ROUTES}${query}`) as State));
  return 0;
}

function describe(webhook: string, { secret_named: isNamed, open_until, taken_at, shown }: State): string {
  if (isNamed) {
    return `${webhook} waits for no secret: its configuration names one, or its provider brings none`;
  }
  if (taken_at !== null) {
    const next = shown ? "it was shown, and 'secret' is to name it" : "see it once with --show";
    return `${webhook} was brought its secret at ${taken_at}: ${next}`;
  }
  return open_until === null
    ? `${webhook} has no secret, and takes none: see --open`
    : `${webhook} has no secret, and takes the one that is brought until ${open_until}`;
}

function webhookIn([webhook, ...others]: readonly string[]): string {
  if (webhook === undefined) throw usage("The webhook is missing");
  if (others.length > 0) throw usage(`Unexpected argument '${others[0]}'`);
  const [namespace = "", id = "", ...more] = webhook.split("/");
  if (!isNamespace(namespace) || !isWebhookId(id) || more.length > 0) {
    throw usage(`'${webhook}' is not a webhook's NAMESPACE/ID`);
  }
  return webhook;
}

function secondsIn(text: string): number {
  const [, number, unit] = /^(\d{1,5})([smh])$/.exec(text) ?? [];
  if (number === undefined) throw usage("--open takes a time such as 90s, 10m or 1h");
  return Number(number) * SECONDS_OF_UNIT[unit as keyof typeof SECONDS_OF_UNIT];
}

function clientOf(settings: Settings): AdminClient {
  if (settings.adminToken !== undefined) return new AdminClient(settings, settings.adminToken);
  throw new StartupError("gateway_unreachable", [
    "Set ADMIN_TOKEN to the one that the gateway was started with",
  ]);
}

function usage(problem: string): StartupError {
  return usageError("handshake", problem);
}
