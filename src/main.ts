/**
 * The command line.
 *
 * @module
 */

import { exit } from "./cli/exit/exit.ts";
import { ProcessSignals } from "./cli/signals.ts";
import { print, printError } from "./cli/terminal.ts";
import { StartupError } from "./errors.ts";
import { VERSION } from "./version.ts";

/** The options that stand before or after a command. */
const OPTIONS = { boolean: ["help", "version"], alias: { h: "help", V: "version" }, unknown: refuseOption };

/** Commands that parse their own options, and print their own help. */
const WITH_OWN_OPTIONS = [
  "migrate",
  "dead-letters",
  "journal",
  "handshake",
  "connector",
  "completion",
  "providers",
  "new",
  "sign",
  "verify",
];

/** Commands that run until a signal ends them. All others it ends at once. */
const HANDLING_SIGNALS = ["serve", "connector"];

/** Runs a command and returns the exit status. */
async function main(args: readonly string[]): Promise<number> {
  // Before anything else is loaded, packages of npm above all, which takes a good part of a start.
  const signals = isHandlingSignals(args) ? new ProcessSignals() : undefined;
  const { parseArgs } = await import("@std/cli/parse-args");
  const before = parseArgs(args, { ...OPTIONS, stopEarly: true });
  const [command = "serve", ...own] = before._.map(String);
  const options = command === "check" ? { ...OPTIONS, boolean: [...OPTIONS.boolean, "probe"] } : OPTIONS;
  const after = WITH_OWN_OPTIONS.includes(command) ? undefined : parseArgs(own, options);
  if (before["help"] === true || after?.["help"] === true) {
    const { helpText } = await import("./cli/help.ts");
    return printed(helpText());
  }
  if (before["version"] === true || after?.["version"] === true) return printed(`cwm ${VERSION}`);
  const [unexpected] = after?._ ?? [];
  if (unexpected !== undefined) throw usage(`Unexpected argument '${unexpected}'`);

  const { loadSettings } = await import("./settings/load.ts");
  const environment = Deno.env.toObject();
  const settings = () => loadSettings(environment, { logIsTerminal: Deno.stderr.isTerminal() });
  switch (command) {
    // Loaded when needed: a health check, of which there are many, is done before a gateway is even loaded.
    case "serve": {
      const { serve } = await import("./cli/serve.ts");
      return await serve(settings(), environment, undefined, signals);
    }
    case "check": {
      const { check } = await import("./cli/check.ts");
      return await check(settings(), environment, { probe: after?.["probe"] === true });
    }
    case "healthcheck": {
      const { healthcheck } = await import("./cli/healthcheck.ts");
      return await healthcheck(settings());
    }
    case "migrate": {
      // The only code that writes to etcd: a gateway never loads it.
      const { migrate } = await import("./cli/migrate.ts");
      return await migrate(own, settings, environment);
    }
    case "dead-letters": {
      const { deadLetters } = await import("./cli/dead_letters/command.ts");
      return await deadLetters(own, settings);
    }
    case "journal": {
      const { journal } = await import("./cli/journal/command.ts");
      return await journal(own, settings);
    }
    case "handshake": {
      const { handshake } = await import("./cli/signatures/handshake.ts");
      return await handshake(own, settings);
    }
    case "connector": {
      const { connector } = await import("./cli/connector.ts");
      return await connector(own, environment, signals);
    }
    case "providers": {
      const { listProviders } = await import("./cli/signatures/providers.ts");
      return listProviders(own);
    }
    case "new": {
      const { newConfiguration } = await import("./cli/new/new.ts");
      return await newConfiguration(own);
    }
    case "sign": {
      const { sign } = await import("./cli/signatures/sign.ts");
      return await sign(own);
    }
    case "verify": {
      const { verify } = await import("./cli/signatures/verify.ts");
      return await verify(own);
    }
    case "completion": {
      const { completionScript } = await import("./cli/completion.ts");
      return printed(completionScript(own));
    }
    default:
      throw usage(`Unknown command '${command}'`);
  }
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
