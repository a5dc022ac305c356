/**
 * The command line.
 *
 * @module
 */

import { exit } from "./cli/exit/exit.ts";
import { ProcessSignals } from "./cli/signals.ts";
import { print, printError } from "./cli/terminal.ts";
import { StartupError } from "./errors.ts";
import type { Settings } from "./settings/settings.ts";
import { VERSION } from "./version.ts";

/** The options that stand before or after a command. */
const OPTIONS = { boolean: ["help", "version"], alias: { h: "help", V: "version" }, unknown: refuseOption };

/** Commands that parse their own options, and print their own help. */
const WITH_OWN_OPTIONS = [
  "check",
  "get",
  "diff",
  "put",
  "history",
  "rollback",
  "migrate",
  "dead-letters",
  "events",
  "journal",
  "status",
  "pause",
  "resume",
  "retry",
  "tail",
  "requests",
  "send",
  "connectors",
  "handshake",
  "connector",
  "completion",
  "providers",
  "new",
  "sign",
  "verify",
  "test",
  "filter",
  "schema",
  "token",
];

/** Commands that take no settings, so that a file of variables cannot be in their way. */
const WITHOUT_SETTINGS = ["completion", "providers", "new", "sign", "verify", "schema", "token"];

/** Commands that run until a signal ends them. All others it ends at once. */
const HANDLING_SIGNALS = ["serve", "connector", "events", "tail"];

/** What a command is called with. */
interface Call {
  /** What stands behind its name. */
  readonly own: string[];
  readonly environment: Readonly<Record<string, string>>;
  /** @throws {StartupError} `settings_invalid` */
  settings(): Settings;
  /** Those of a command that handles signals. */
  readonly signals: ProcessSignals | undefined;
}

/**
 * All commands by their names. Each loads what it needs: a health check, of which there are many, is done before a
 * gateway is even loaded, and a gateway never loads what writes to etcd, which only the commands that write load.
 */
const COMMANDS: Readonly<Record<string, (call: Call) => Promise<number>>> = {
  async serve({ settings, environment, signals }) {
    const { serve } = await import("./cli/serve.ts");
    return await serve(settings(), environment, undefined, signals);
  },
  async check({ own, settings, environment }) {
    const { checkCommand } = await import("./cli/check/command.ts");
    return await checkCommand(own, settings, environment);
  },
  get: (call) => changeOne("get", call),
  diff: (call) => changeOne("diff", call),
  put: (call) => changeOne("put", call),
  history: (call) => changeOne("history", call),
  rollback: (call) => changeOne("rollback", call),
  async healthcheck({ settings }) {
    const { healthcheck } = await import("./cli/healthcheck.ts");
    return await healthcheck(settings());
  },
  async migrate({ own, settings, environment }) {
    const { migrate } = await import("./cli/migrate.ts");
    return await migrate(own, settings, environment);
  },
  async "dead-letters"({ own, settings }) {
    const { deadLetters } = await import("./cli/dead_letters/command.ts");
    return await deadLetters(own, settings);
  },
  async events({ own, settings, signals }) {
    const { events } = await import("./cli/events/command.ts");
    return await events(own, settings, signals?.stop);
  },
  async journal({ own, settings }) {
    const { journal } = await import("./cli/journal/command.ts");
    return await journal(own, settings);
  },
  async pause({ own, settings }) {
    const { stopOrGoOn } = await import("./cli/journal/stops.ts");
    return await stopOrGoOn("pause", own, settings);
  },
  async resume({ own, settings }) {
    const { stopOrGoOn } = await import("./cli/journal/stops.ts");
    return await stopOrGoOn("resume", own, settings);
  },
  async retry({ own, settings }) {
    const { retry } = await import("./cli/events/retry.ts");
    return await retry(own, settings);
  },
  async connectors({ own, settings }) {
    const { connectors } = await import("./cli/status/connectors.ts");
    return await connectors(own, settings);
  },
  async send({ own, settings }) {
    const { send } = await import("./cli/events/send.ts");
    return await send(own, settings);
  },
  async requests({ own, settings }) {
    const { requests } = await import("./cli/events/requests.ts");
    return await requests(own, settings);
  },
  async tail({ own, settings, signals }) {
    const { tail } = await import("./cli/events/tail.ts");
    return await tail(own, settings, signals?.stop);
  },
  async status({ own, settings }) {
    const { status } = await import("./cli/status/command.ts");
    return await status(own, settings);
  },
  async handshake({ own, settings }) {
    const { handshake } = await import("./cli/signatures/handshake.ts");
    return await handshake(own, settings);
  },
  async connector({ own, environment, signals }) {
    const { connector } = await import("./cli/connector.ts");
    return await connector(own, environment, signals);
  },
  async providers({ own }) {
    const { listProviders } = await import("./cli/signatures/providers.ts");
    return listProviders(own);
  },
  async new({ own }) {
    const { newConfiguration } = await import("./cli/new/new.ts");
    return await newConfiguration(own);
  },
  async sign({ own }) {
    const { sign } = await import("./cli/signatures/sign.ts");
    return await sign(own);
  },
  async verify({ own }) {
    const { verify } = await import("./cli/signatures/verify.ts");
    return await verify(own);
  },
  async test({ own, environment }) {
    const { test } = await import("./cli/cases/command.ts");
    return await test(own, environment);
  },
  async filter({ own, settings, environment }) {
    const { filter } = await import("./cli/filters/command.ts");
    return await filter(own, settings, environment);
  },
  async schema({ own }) {
    const { schema } = await import("./cli/schema/command.ts");
    return schema(own);
  },
  async token({ own }) {
    const { token } = await import("./cli/access/token.ts");
    return token(own);
  },
  async completion({ own }) {
    const { completionScript } = await import("./cli/completion.ts");
    return printed(completionScript(own));
  },
};

async function changeOne(
  command: "get" | "diff" | "put" | "history" | "rollback",
  { own, settings, environment }: Call,
): Promise<number> {
  const { change } = await import("./cli/change/command.ts");
  return await change(command, own, settings, environment);
}

/** Runs a command and returns the exit status. */
async function main(args: readonly string[]): Promise<number> {
  // Before anything else is loaded, packages of npm above all, which takes a good part of a start.
  const signals = isHandlingSignals(args) ? new ProcessSignals() : undefined;
  const { parseArgs } = await import("@std/cli/parse-args");
  const before = parseArgs(args, { ...OPTIONS, stopEarly: true });
  const [command = "serve", ...own] = before._.map(String);
  const after = WITH_OWN_OPTIONS.includes(command) ? undefined : parseArgs(own, OPTIONS);
  if (before["help"] === true || after?.["help"] === true) {
    const { helpText } = await import("./cli/help.ts");
    return printed(helpText());
  }
  if (before["version"] === true || after?.["version"] === true) return printed(`cwm ${VERSION}`);
  const [unexpected] = after?._ ?? [];
  if (unexpected !== undefined) throw usage(`Unexpected argument '${unexpected}'`);

  const run = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (run === undefined) throw usage(`Unknown command '${command}'`);
  const { loadSettings } = await import("./settings/load.ts");
  const { withDotEnv } = await import("./settings/dot_env.ts");
  const ofProcess = Deno.env.toObject();
  const environment = WITHOUT_SETTINGS.includes(command) ? ofProcess : await withDotEnv(ofProcess);
  const settings = () => loadSettings(environment, { logIsTerminal: Deno.stderr.isTerminal() });
  return await run({ own, environment, settings, signals });
}

/** A signal may come at any moment of a start, and options before the command are no reason to miss it. */
function isHandlingSignals(args: readonly string[]): boolean {
  return HANDLING_SIGNALS.includes(args.find((arg) => !arg.startsWith("-")) ?? "serve");
}

function refuseOption(argument: string): void {
  if (argument.startsWith("-")) throw usage(`Unknown option '${argument}'`);
}

function usage(problem: string): StartupError {
  return new StartupError("usage", [problem, "Run 'cwm --help' for the commands"]);
}

function printed(text: string): number {
  print(text);
  return 0;
}

if (import.meta.main) {
  try {
    await exit(await main(Deno.args));
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    for (const problem of error.problems) printError(problem);
    await exit(error.exitStatus);
  }
}
