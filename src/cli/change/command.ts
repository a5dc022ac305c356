/**
 * `cwm get`, `diff`, `put`, `history` and `rollback`: one webhook or connection, as an operator changes it.
 *
 * @module
 */

import type { ConfigPut } from "../../config/provider.ts";
import { readFileContent } from "../../config/values/json_file.ts";
import { parseConfigValue } from "../../config/values/json_value.ts";
import { type ConfigKey, describeKey } from "../../event/names.ts";
import { MigrationError } from "../../migrate/configuration.ts";
import type { FormerText, KeyPlace, StoredText } from "../../migrate/single/place.ts";
import { outputModulesWithin } from "../../modules/registry.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import { REDACTED } from "../../observability/redaction.ts";
import type { Settings } from "../../settings/settings.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print, printError } from "../terminal.ts";
import { type ChangeCommand, helpOf } from "./help.ts";
import { newText } from "./input.ts";
import { differenceLines, findingLine, historyLines } from "./report.ts";
import { openPlace, readKey } from "./target.ts";
import { judge } from "./validation.ts";

const DONE = 0;
const REFUSED = 1;

/** Whom a command speaks to. */
export interface Dialogue {
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  /** Asks whether to write; `undefined` where nobody can be asked. */
  readonly confirm: (() => boolean) | undefined;
}

/** What a command works with. */
interface Call extends Dialogue {
  readonly command: ChangeCommand;
  readonly key: ConfigKey;
  readonly place: KeyPlace;
  readonly operands: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly settings: Settings;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Runs a command. Returns the exit status.
 *
 * @param args what follows its name on the command line
 * @param dialogue whom it speaks to. @default the standard streams
 * @throws {StartupError} `usage`, `settings_invalid`
 */
export async function change(
  command: ChangeCommand,
  args: readonly string[],
  readSettings: () => Settings,
  environment: Readonly<Record<string, string>>,
  dialogue: Dialogue = standardDialogue(),
): Promise<number> {
  const { print, printError } = dialogue;
  const line = readCommandLine(command, args);
  if (line === "help") {
    print(helpOf(command));
    return DONE;
  }
  const { options, operands: [name, ...operands] } = line;
  const key = readKey(command, name);
  if (operands.length > (command === "put" || command === "diff" ? 1 : 0)) {
    throw usageError(command, `Unexpected argument '${operands.at(-1)}'`);
  }
  const settings = readSettings();
  const text = (option: string) => options[option] as string | undefined;
  await using place = await openPlace(command, key, settings, {
    file: text("file"),
    user: text("user"),
    passwordFile: text("password-file"),
  });
  try {
    return await COMMANDS[command]({
      ...dialogue,
      command,
      key,
      place,
      operands,
      options,
      settings,
      environment,
    });
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    printError(escapeUnsafe(`${error.message} (${error.code})`));
    // As of `diff`, 1 says that there is a difference.
    return command === "diff" ? 2 : REFUSED;
  }
}

const COMMANDS: Readonly<Record<ChangeCommand, (call: Call) => Promise<number>>> = {
  async get({ place, key, options, print, printError }) {
    const text = options["revision"] === undefined
      ? (await place.read())?.text
      : (await versionOf(place, "get", String(options["revision"]))).text;
    if (text === undefined) {
      printError(`There is no ${describeKey(key)} in ${place.description}`);
      return REFUSED;
    }
    print(text);
    return DONE;
  },

  async diff(call) {
    const current = await call.place.read();
    const to = call.options["to"];
    const next = to === undefined
      ? await givenText(call, current)
      : (await versionOf(call.place, "diff", String(to))).text;
    const lines = differenceLines(current?.text, next);
    for (const each of lines) call.print(each);
    return lines.length === 0 ? DONE : REFUSED;
  },

  async put(call) {
    const current = await call.place.read();
    return await write(call, current, await givenText(call, current));
  },

  async history({ place, print }) {
    print(place.description);
    for (const each of historyLines(await place.history())) print(each);
    return DONE;
  },

  async rollback(call) {
    const current = await call.place.read();
    const { to } = call.options;
    const version = to === undefined
      ? await lastOther(call.place, current)
      : await versionOf(call.place, "rollback", String(to));
    call.print(`Back to ${version.revision}`);
    return await write(call, current, version.text);
  },
};

function givenText({ command, operands, options }: Call, current: StoredText | undefined): Promise<string> {
  const list = (name: string) => (options[name] ?? []) as readonly string[];
  return newText(command, { file: operands[0], set: list("set"), unset: list("unset") }, current?.text);
}

/** Shows the difference, judges the value, asks, and writes. */
async function write(call: Call, seen: StoredText | undefined, text: string | undefined): Promise<number> {
  const { place, key, options, print } = call;
  print(`${describeKey(key)} in ${place.description}`);
  if (text === seen?.text) {
    print("Nothing to do: this is what stands there");
    return DONE;
  }
  for (const each of differenceLines(seen?.text, text)) print(each);
  if (!await isAccepted(call, seen, text)) {
    print("Nothing was written");
    return REFUSED;
  }
  if (options["dry-run"] === true) {
    print("Dry run: nothing was written");
    return DONE;
  }
  if (options["yes"] !== true && !isConfirmed(call)) {
    print("Nothing was written");
    return REFUSED;
  }
  const written = await place.write(text, seen);
  if ("done" in written) {
    print(`${text === undefined ? "Deleted" : "Written"}: ${written.done}`);
    return DONE;
  }
  print("conflict: somebody else has changed it since it was read, and nothing was written. That change is:");
  for (const each of differenceLines(seen?.text, written.conflict?.text)) print(each);
  print("Look at it, then run the same command again");
  return REFUSED;
}

/** Nobody can be asked without a terminal: `--yes` has to say it then. */
function isConfirmed({ command, confirm }: Call): boolean {
  if (confirm !== undefined) return confirm();
  throw usageError(command, "Nothing was written: without a terminal to ask at, give --yes (or --dry-run)");
}

function standardDialogue(): Dialogue {
  const canAsk = Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  return { print, printError, confirm: canAsk ? () => confirm("Write this?") : undefined };
}

async function isAccepted(
  { key, place, settings, environment, print }: Call,
  seen: StoredText | undefined,
  text: string | undefined,
): Promise<boolean> {
  const name = describeKey(key);
  if (text === undefined && key.kind === "connection") {
    print(`warning  ${name}: webhooks that use it answer 503 from then on`);
  }
  const value = await place.valueOf(text);
  if (value === undefined) return true;
  const connections = key.kind === "connection" ? [] : await place.connections();
  if (connections === undefined) {
    print(`warning  ${name}: this user may not read connections, so whether one exists was not looked at`);
  }
  const policy = await policyOf(place, settings);
  if (policy === "denied") {
    print(`warning  ${name}: this user may not read the policy, so what it says was not looked at`);
  }
  const known = policy === "denied" ? undefined : policy;
  const { problems, warnings } = await judge(key, value, connections, known, {
    environment,
    modules: outputModulesWithin(settings.outputBounds),
    auth: settings.auth,
    corsOrigins: settings.corsOrigins,
  });
  for (const warning of warnings) print(findingLine("warning", name, warning));
  for (const problem of problems) print(findingLine("problem", name, problem));
  const refusal = problems.length > 0 || text === undefined ? undefined : refusalOf(place, seen, text);
  if (refusal !== undefined) print(`problem  ${name}: ${refusal}`);
  return problems.length === 0 && refusal === undefined;
}

/** The file is in front of what stands beside the key, as for the gateway. */
async function policyOf(
  place: KeyPlace,
  { policyFile }: Settings,
): Promise<ConfigPut["value"] | "denied" | undefined> {
  if (policyFile === undefined) return await place.policy();
  const content = await readFileContent(policyFile);
  return "problem" in content ? content : parseConfigValue(new TextDecoder().decode(content.bytes));
}

function refusalOf(place: KeyPlace, seen: StoredText | undefined, text: string): string | undefined {
  if (text.includes(REDACTED) && seen?.text.includes(REDACTED) !== true) {
    return `It holds ${REDACTED}, which stands for a secret where one is shown: put the secret, or a reference, there`;
  }
  return place.refuse(text);
}

/** @throws {MigrationError} `unreadable` where there is no such version */
async function versionOf(place: KeyPlace, command: ChangeCommand, to: string): Promise<FormerText> {
  if (!/^[1-9]\d{0,14}$/.test(to)) {
    throw usageError(command, `Expected the number of a version, as cwm history lists them, and not '${to}'`);
  }
  const { versions, reach } = await place.history();
  const found = versions.findLast(({ revision }) => revision <= Number(to));
  if (found !== undefined) return found;
  throw new MigrationError("unreadable", `There is no version ${to}. ${reach}`);
}

/** The newest version with a text that is another one than what stands there. */
async function lastOther(place: KeyPlace, current: StoredText | undefined): Promise<FormerText> {
  const { versions, reach } = await place.history();
  const found = versions.findLast(({ text }) => text !== undefined && text !== current?.text);
  if (found !== undefined) return found;
  throw new MigrationError("unreadable", `There is no former version. ${reach}`);
}
