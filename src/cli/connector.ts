/**
 * `cwm connector`: drains a channel of a gateway from inside a private network.
 *
 * @module
 */

import { openSecrets } from "../config/secrets/sources.ts";
import { type ConnectorConfig, loadConnectorConfig } from "../connector/config.ts";
import { CONNECTOR_VARIABLES } from "../connector/config_schema.ts";
import { Connector } from "../connector/connector.ts";
import type { StartupError } from "../errors.ts";
import { loadOutputBounds, loadSecretSettings } from "../settings/load.ts";
import { leadsToJournal } from "../observability/journal_stream.ts";
import { hostName } from "../io/host_name.ts";
import { standardLineWriter } from "../io/line_writer.ts";
import { logger, logWarnings, setUpLogging } from "../observability/logging.ts";
import { logUnhandledErrors } from "../observability/unhandled_errors.ts";
import { ProcessSignals } from "./signals.ts";
import { print } from "./terminal.ts";
import { readCommandLine, usageError } from "./command_line.ts";

const HELP = `Takes events from a channel of a gateway and delivers them inside a private network

Usage: cwm connector [--config connector.json]

The file and the variables set the same keys; variables win. README describes them.

Options:
  --config FILE  The configuration. Without it, the environment alone
  -h, --help     Print this help

Environment variables:
${Object.entries(CONNECTOR_VARIABLES).map(([name, key]) => `  ${name.padEnd(34)} ${key}`).join("\n")}`;

/**
 * Runs the connector until a signal ends it. Returns the exit status.
 *
 * @param args what follows `connector` on the command line
 * @throws {StartupError} `usage`, `settings_invalid`
 */
export async function connector(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  signals: ProcessSignals = new ProcessSignals(),
): Promise<number> {
  const file = parseOptions(args);
  if (file === "help") {
    print(HELP);
    return 0;
  }
  const config = await loadConfig(file.path, environment);
  const settings = loadSecretSettings(environment, [file.path, ...config.ownFiles]);
  const outputBounds = loadOutputBounds(environment);
  await using secrets = await openSecrets(settings);
  await using lines = standardLineWriter("stdout");
  await using records = standardLineWriter("stderr");
  await using _logging = setUpLogging({
    ...config.log,
    toJournal: leadsToJournal(environment["JOURNAL_STREAM"]),
    writer: records,
  });
  using _unhandled = logUnhandledErrors(logger("connector"));
  logWarnings("connector", [...settings.warnings, ...config.warnings]);
  signals.onReload(() => {
    logger("connector").info("SIGHUP changes nothing: the connector reads its file when it starts");
  });
  try {
    const options = { config, environment, outputBounds, secrets, lines };
    await using running = await Connector.start(options, signals.stop);
    await signals.ended;
    await running.drain();
  } catch (error) {
    // Stopped while it waited for its configuration: there is nothing to finish.
    if (!signals.stop.aborted) throw error;
  }
  return 0;
}

/** Secrets are opened for the file alone: which files no module may read is known only after it. */
async function loadConfig(
  file: string | undefined,
  environment: Readonly<Record<string, string>>,
): Promise<ConnectorConfig> {
  await using secrets = await openSecrets(loadSecretSettings(environment, [file]));
  return await loadConnectorConfig({
    file,
    environment,
    secrets,
    hostname: hostName(environment) ?? "connector",
    logIsTerminal: Deno.stderr.isTerminal(),
  });
}

function parseOptions(args: readonly string[]): { readonly path: string | undefined } | "help" {
  const line = readCommandLine("connector", args);
  if (line === "help") return "help";
  const path = line.options["config"] as string | undefined;
  if (path === "") throw usage("Option '--config' needs the path of a file");
  return { path };
}

function usage(problem: string): StartupError {
  return usageError("connector", problem);
}
