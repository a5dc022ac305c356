/**
 * Completion scripts, which have a shell complete the commands of `cwm` and their options.
 *
 * @module
 */

import { StartupError } from "../errors.ts";
import { providers } from "../auth/providers/providers.ts";
import { outputModules } from "../modules/registry.ts";
import { type Command, type CommandOption, COMMANDS, SHELLS } from "./commands.ts";

type Shell = typeof SHELLS[number];

const OPTIONS = ["--help", "--version"];

const SCRIPTS: Readonly<Record<Shell, () => string>> = { bash: bashScript, zsh: zshScript, fish: fishScript };

/**
 * The script that `cwm completion` prints.
 *
 * @param args the name of the shell
 * @throws {StartupError} `usage` when it is not one of bash, zsh and fish
 */
export function completionScript(args: readonly string[]): string {
  const shell = SHELLS.find((known) => known === args[0]);
  if (shell === undefined || args.length !== 1) {
    throw new StartupError("usage", [
      `Usage: cwm completion ${SHELLS.join("|")}`,
      'For example in ~/.bashrc: eval "$(cwm completion bash)"',
    ]);
  }
  return SCRIPTS[shell]();
}

/** Commands whose name files follow. */
const namedFiles = COMMANDS.filter(({ takesFile, actions }) => takesFile === true && actions === undefined);

/** Bash fills COMPREPLY with what begins like the word at the cursor; `compopt` has it look for files instead. */
function bashScript(): string {
  return [
    "_cwm() {",
    '  local words="" before="${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD - 1]}"',
    "  if ((COMP_CWORD == 1)); then",
    `    words="${[...COMMANDS.map(({ name }) => name), ...OPTIONS].join(" ")}"`,
    '  else case "$before" in',
    ...valueCases((words) => `words="${words}"`, "compopt -o default"),
    ...namedFiles.map((command) =>
      `  "${command.name} "*) case "\${COMP_WORDS[COMP_CWORD]}" in -*) words="${
        optionsOf(command)
      }" ;; *) compopt -o default ;; esac ;;`
    ),
    '  *) case "${COMP_WORDS[1]}" in',
    ...COMMANDS.map((command) =>
      `    ${command.name}) words="${optionsOf(command)}"${
        wordsOf(command).map((words, index) =>
          `; if ((COMP_CWORD == ${index + 2})); then words="${words.join(" ")} $words"; fi`
        ).join("")
      } ;;`
    ),
    "  esac ;;",
    "  esac; fi",
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")',
    "}",
    "complete -F _cwm cwm",
  ].join("\n");
}

/** Zsh shows what each command does beside its name. */
function zshScript(): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''");
  const described = COMMANDS.map(({ name, description }) => `    '${name}:${quoted(description)}'`);
  return [
    "#compdef cwm",
    "_cwm() {",
    "  local -a commands=(",
    ...described,
    "  )",
    `  if ((CURRENT == 2)); then _describe command commands; compadd -- ${OPTIONS.join(" ")}; return; fi`,
    '  case "${words[2]} ${words[CURRENT - 1]}" in',
    ...valueCases((words) => `compadd -- ${words}`, "_files"),
    ...namedFiles.map((command) => `  "${command.name} "*) compadd -- ${optionsOf(command)}; _files ;;`),
    '  *) case "${words[2]}" in',
    ...COMMANDS.map((command) =>
      `    ${command.name}) ${
        wordsOf(command).map((words, index) =>
          `if ((CURRENT == ${index + 3})); then compadd -- ${words.join(" ")}; fi; `
        ).join("")
      }compadd -- ${optionsOf(command)} ;;`
    ),
    "  esac ;;",
    "  esac",
    "}",
    'if [ "$funcstack[1]" = "_cwm" ]; then _cwm "$@"; else compdef _cwm cwm; fi',
  ].join("\n");
}

/** Branches of a `case` over the command and the word before the cursor: what follows that word is a value. */
function valueCases(offer: (words: string) => string, offerFiles: string): string[] {
  return COMMANDS.flatMap(({ name, actions = [], takesFile = false, options }) => [
    ...(takesFile ? actions.map((action) => `  "${name} ${action}") ${offerFiles} ;;`) : []),
    ...options.filter(({ value }) => value !== undefined).map((option) => {
      const { value } = option;
      const what = value === "file" ? offerFiles : value === "text" ? ":" : offer(valuesOf(value!).join(" "));
      return `  "${name} --${option.name}") ${what} ;;`;
    }),
  ]);
}

/** The words that may follow a command's name, by their place. */
function wordsOf({ actions, operands = [] }: Command): readonly (readonly string[])[] {
  if (actions !== undefined) return [actions];
  return operands.map(namesOf);
}

/** Only the configuration knows the names of webhooks. */
function namesOf(operand: "provider" | "output" | "webhook"): readonly string[] {
  if (operand === "webhook") return [];
  return operand === "provider" ? providerNames() : outputModules.map(({ name }) => name);
}

function providerNames(): readonly string[] {
  return Object.keys(providers).sort();
}

function valuesOf(value: "provider" | readonly string[]): readonly string[] {
  return value === "provider" ? providerNames() : value;
}

function optionsOf({ options }: Command): string {
  return options.map(({ name }) => `--${name}`).join(" ");
}

/** Fish takes one line a word. */
function fishScript(): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  return [
    "complete -c cwm -f",
    ...OPTIONS.map((option) => `complete -c cwm -n __fish_use_subcommand -l ${option.slice(2)}`),
    ...COMMANDS.flatMap((command) => {
      const { name, description, actions = [], takesFile = false, options } = command;
      const after = `__fish_seen_subcommand_from ${name}`;
      const hasAction = `__fish_seen_subcommand_from ${actions.join(" ")}`;
      return [
        `complete -c cwm -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
        ...actions.map((action) => `complete -c cwm -n '${after}; and not ${hasAction}' -a ${action}`),
        ...(command.actions === undefined ? wordsOf(command) : []).map((words) =>
          `complete -c cwm -n '${after}' -a '${words.join(" ")}'`
        ),
        ...(takesFile
          ? [`complete -c cwm -n '${after}${actions.length === 0 ? "" : `; and ${hasAction}`}' -F`]
          : []),
        ...options.map((option) => `complete -c cwm -n '${after}' -l ${option.name}${fishValue(option)}`),
      ];
    }),
  ].join("\n");
}

function fishValue({ value }: CommandOption): string {
  if (value === undefined) return "";
  if (value === "text") return " -x";
  return value === "file" ? " -r -F" : ` -x -a '${valuesOf(value).join(" ")}'`;
}
