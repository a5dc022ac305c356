/**
 * What commands with options of their own have in common: how the options are read, what is said of wrong ones, and
 * how many of something there are.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { StartupError } from "../errors.ts";
import { type Command, type CommandOption, COMMANDS } from "./commands.ts";

/** A command line that was read. */
export interface CommandLine {
  /** Values by the names of options. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The words without dashes, in their order. What looks like a number stays as it is. */
  readonly operands: readonly string[];
}

/**
 * Reads what follows a command's name.
 *
 * @param commands say which options it has. @default COMMANDS
 * @returns `help` when the help of the command is asked for
 * @throws {StartupError} `usage` for an option, or a word, that the command does not take
 */
export function readCommandLine(
  command: string,
  args: readonly string[],
  commands: readonly Command[] = COMMANDS,
): CommandLine | "help" {
  const { actions, operands, takesFile, options = [] } = commands.find(({ name }) => name === command) ?? {};
  const namesOf = (isMeant: (option: CommandOption) => boolean) =>
    options.filter(isMeant).map(({ name }) => name);
  const parsed = parseArgs(args, {
    string: [...namesOf(({ value }) => value !== undefined), "_"],
    collect: namesOf(({ isList }) => isList === true),
    boolean: namesOf(({ value }) => value === undefined),
    alias: { h: "help", ...lettersOf(options) },
    unknown: (argument) => {
      // One dash alone stands for standard input.
      if (argument.startsWith("-") && argument !== "-") {
        throw usageError(command, `Unknown option '${argument}'`);
      }
      if (actions === undefined && operands === undefined && takesFile !== true) {
        throw usageError(command, `Unexpected argument '${argument}'`);
      }
    },
  });
  return parsed["help"] === true ? "help" : { options: parsed, operands: parsed._.map(String) };
}

function lettersOf(options: readonly CommandOption[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    options.flatMap(({ letter, name }) => letter === undefined ? [] : [[letter, name]]),
  );
}

/** Says what is wrong with a command line, and where the options are listed. */
export function usageError(command: string, problem: string): StartupError {
  return new StartupError("usage", [problem, `Run 'cwm ${command} --help' for the options`]);
}

/** How many of something there are: `1 entry`, `2 entries`. @param plural @default the noun with an s */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}
