/**
 * The command line of `cwm check`.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import type { Settings } from "../../settings/settings.ts";
import { check } from "../check.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { readInput } from "./standard_input.ts";
import { print } from "../terminal.ts";
import { failureAsJson } from "./report.ts";

/** Longest text that is read from standard input, in bytes: as of a file. */
const MAX_BYTES = 64 * 1024 * 1024;

const HELP = `Says what is wrong with the configuration, without serving it

Usage: cwm check [options]
       cwm check - [options]    The webhooks are read from standard input, in the form of webhooks.json

With '-' connections come from CONNECTIONS_CONFIG_FILE (or _FILES, or connections.json of CONFIG_DIR), whatever the
backend is, and the webhooks are of the namespace that those of a file are of.

Options:
  --probe     Ask the system behind each connection, and peers without one, whether it can take events
  --print     Print the configuration after its files are merged, without secrets, and the report to standard error
  --json      Print the report as one JSON document on one line
  -h, --help  Print this help

Exit status: 0 no problems; 1 problems, or the configuration cannot be read; 2 wrong usage or wrong settings`;

/**
 * Runs the command. Returns the exit status.
 *
 * @param args what follows `check` on the command line
 * @throws {StartupError} `usage`, and without `--json` why the configuration cannot be read
 */
export async function checkCommand(
  args: readonly string[],
  settings: () => Settings,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const line = readCommandLine("check", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const { options, operands } = line;
  const unexpected = operands.length > 1 ? operands[1] : operands.find((operand) => operand !== "-");
  if (unexpected !== undefined) {
    throw usageError("check", `Unexpected argument '${unexpected}': files are named by WEBHOOKS_CONFIG_FILE`);
  }
  const json = options["json"] === true;
  try {
    return await check(settings(), environment, {
      probe: options["probe"] === true,
      show: options["print"] === true ? print : undefined,
      json,
      given: operands.length === 0 ? undefined : await readGiven(),
    });
  } catch (error) {
    if (!json || !(error instanceof StartupError)) throw error;
    print(failureAsJson(error));
    return error.exitStatus;
  }
}

async function readGiven(): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readInput(MAX_BYTES);
  } catch (error) {
    throw usageError("check", `Standard input cannot be read: ${(error as Error).message}`);
  }
}
