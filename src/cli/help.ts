import { SETTING_DEFINITIONS } from "../settings/settings.ts";

const COMMANDS: readonly (readonly [command: string, description: string])[] = [
  ["serve", "Start the gateway (default)"],
  ["check", "Validate the configured webhooks and connections; exit status 1 if there are problems"],
  ["migrate", "Carry webhooks and connections from files to etcd or back: see cwm migrate --help"],
  ["dead-letters", "List, show, replay and drop undeliverable events: see cwm dead-letters --help"],
  ["journal", "Copy the journal, and take events over from a file: see cwm journal --help"],
  ["healthcheck", "Ask the gateway on this machine whether it is ready; exit status 0 if it is"],
  ["connector", "Take events from a gateway into a private network: see cwm connector --help"],
];

/** What `cwm --help` prints. */
export function helpText(): string {
  return [
    "Core Webhook Module: receives webhooks and hands them to the systems behind it",
    "",
    "Usage: cwm [command]",
    "",
    "Commands:",
    ...table(COMMANDS),
    "",
    "Options:",
    ...table([
      ["-h, --help", "Print this help"],
      ["-V, --version", "Print the version"],
      [
        "--probe",
        "With check: ask the system behind each connection whether it can take events of its webhooks",
      ],
    ]),
    "",
    "Environment variables:",
    ...table(SETTING_DEFINITIONS.map((setting): [string, string] => [
      setting.variable,
      `${setting.description} (default: ${setting.default})`,
    ])),
  ].join("\n");
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, description]) => `  ${name.padEnd(width)}  ${description}`);
}
