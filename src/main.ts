/**
 * The command line.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { check } from "./cli/check.ts";
import { healthcheck } from "./cli/healthcheck.ts";
import { helpText } from "./cli/help.ts";
import { serve } from "./cli/serve.ts";
import { print, printError } from "./cli/terminal.ts";
import { StartupError } from "./errors.ts";
import { loadSettings } from "./settings.ts";
import { VERSION } from "./version.ts";

/** Runs a command and returns the exit status. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseArgs(args, {
    boolean: ["help", "version"],
    alias: { h: "help", V: "version" },
    unknown: refuseOption,
  });
  if (options["help"] === true) return printed(helpText());
  if (options["version"] === true) return printed(`cwm ${VERSION}`);
  const [command = "serve", ...rest] = options._.map(String);
  if (rest.length > 0) throw usage(`Unexpected argument '${rest[0]}'`);

  const environment = Deno.env.toObject();
  const settings = () => loadSettings(environment, { logIsTerminal: Deno.stderr.isTerminal() });
  switch (command) {
    case "serve":
      return await serve(settings(), environment);
    case "check":
      return await check(settings(), environment);
    case "healthcheck":
      return await healthcheck(settings());
    case "connector":
      throw usage("The connector is not built yet");
    default:
      throw usage(`Unknown command '${command}'`);
  }
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
    Deno.exit(await main(Deno.args));
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    for (const problem of error.problems) printError(problem);
    Deno.exit(error.exitStatus);
  }
}
