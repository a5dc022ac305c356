import { SETTING_DEFINITIONS } from "../settings/table.ts";
import { COMMANDS } from "./commands.ts";

/** What `cwm --help` prints. */
export function helpText(): string {
  return [
    "Core Webhook Module: receives webhooks and hands them to the systems behind it",
    "",
    "Usage: cwm [command]",
    "",
    "Commands:",
    ...table(COMMANDS.map(({ name, description }) => [name, description])),
    "",
    "Options:",
    ...table([
      ["-h, --help", "Print this help"],
      ["-V, --version", "Print the version"],
    ]),
    "",
    "Environment variables, also from lines NAME=value of .env in the working directory:",
    ...table(SETTING_DEFINITIONS.map((setting): [string, string] => [
      setting.variable,
      `${setting.description} (default: ${plainDefault(setting.default)})`,
    ])),
  ].join("\n");
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, description]) => `  ${name.padEnd(width)}  ${description}`);
}

/** Without the parentheses that a description has where there is no value to show. */
function plainDefault(shown: string): string {
  return shown.startsWith("(") ? shown.slice(1, -1) : shown;
}
