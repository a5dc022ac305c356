/**
 * Completion scripts, which have a shell complete the commands of `cwm` and their options.
 *
 * @module
 */

import { StartupError } from "../errors.ts";
import { COMMANDS, SHELLS } from "./commands.ts";

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

/** Bash fills COMPREPLY with what begins like the word at the cursor. */
function bashScript(): string {
  const cases = COMMANDS.filter(({ words }) => words.length > 0)
    .map(({ name, words }) => `    ${name}) words="${words.join(" ")}" ;;`);
  return [
    "_cwm() {",
    `  local words="${[...COMMANDS.map(({ name }) => name), ...OPTIONS].join(" ")}"`,
    '  if ((COMP_CWORD > 1)); then words=""; fi',
    '  if ((COMP_CWORD > 1)); then case "${COMP_WORDS[1]}" in',
    ...cases,
    "  esac; fi",
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")',
    "}",
    "complete -o default -F _cwm cwm",
  ].join("\n");
}

/** Zsh shows what each command does beside its name. */
function zshScript(): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''");
  const described = COMMANDS.map(({ name, description }) => `    '${name}:${quoted(description)}'`);
  const cases = COMMANDS.filter(({ words }) => words.length > 0)
    .map(({ name, words }) => `    ${name}) compadd -- ${words.join(" ")} ;;`);
  return [
    "#compdef cwm",
    "_cwm() {",
    "  local -a commands=(",
    ...described,
    "  )",
    `  if ((CURRENT == 2)); then _describe command commands; compadd -- ${OPTIONS.join(" ")}; return; fi`,
    '  case "${words[2]}" in',
    ...cases,
    "    *) _files ;;",
    "  esac",
    "}",
    'if [ "$funcstack[1]" = "_cwm" ]; then _cwm "$@"; else compdef _cwm cwm; fi',
  ].join("\n");
}

/** Fish takes one line a word. */
function fishScript(): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  return COMMANDS.flatMap(({ name, description, words }) => [
    `complete -c cwm -f -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
    ...words.map((word) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c cwm -n '__fish_seen_subcommand_from ${name}' ${what}`;
    }),
  ]).join("\n");
}
