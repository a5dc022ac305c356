/**
 * The configuration that a file of cases is about, read once for all of its cases.
 *
 * @module
 */

import { dirname, resolve } from "@std/path";
import { FileConfigProvider } from "../../config/file/file_provider.ts";
import type { ConfigChange, ConfigProvider, ConfigSink } from "../../config/provider.ts";
import type { ProblemReason } from "../../config/problem.ts";
import { StartupError } from "../../errors.ts";
import { loadSettings } from "../../settings/load.ts";
import type { Settings } from "../../settings/settings.ts";
import type { CaseFile } from "./case_file.ts";

/** How long the files may take to be read, in milliseconds. */
const LOAD_TIMEOUT_MS = 10_000;

/** What the cases of one file have in common. */
export interface CaseConfiguration {
  readonly settings: Settings;
  /** Variables for settings and references: those of the file win. */
  readonly environment: Readonly<Record<string, string>>;
  readonly changes: readonly ConfigChange[];
  /** Where something stands in files that are merged. */
  readonly placeOf: NonNullable<ConfigProvider["placeOf"]>;
}

/**
 * Reads the configuration.
 *
 * @param path of the file of cases, from whose folder on it names others
 * @throws {StartupError} `settings_invalid` when the settings or a file of the configuration cannot be used
 */
export async function readConfiguration(
  path: string,
  file: CaseFile,
  variables: Readonly<Record<string, string>>,
): Promise<CaseConfiguration> {
  const environment = { ...variables, ...file.environment };
  const settings = loadSettings(environment, { logIsTerminal: false });
  if (settings.configBackend !== "file" && file.webhooks === undefined) {
    throw new StartupError("settings_invalid", [
      `${path}: cwm test reads files: name them in 'webhooks', or set CONFIG_BACKEND=file`,
    ]);
  }
  const sink = new Collector();
  await using provider = new FileConfigProvider({
    ...filesOf(path, file, settings),
    defaultNamespace: settings.defaultNamespace,
  });
  await provider.start(sink, AbortSignal.timeout(LOAD_TIMEOUT_MS));
  if (sink.problems.length > 0) throw new StartupError("settings_invalid", sink.problems);
  const placeOf = (key: string, place: string) => provider.placeOf(key, place);
  return { settings, environment, changes: sink.changes, placeOf };
}

function filesOf(
  path: string,
  file: CaseFile,
  { files }: Settings,
): Omit<ConstructorParameters<typeof FileConfigProvider>[0], "defaultNamespace"> {
  const beside = (paths: readonly string[]) => paths.map((each) => resolve(dirname(path), each));
  const [webhooksFile = files.webhooks, ...webhooks] = file.webhooks === undefined
    ? [files.webhooks, ...files.overlays?.webhooks ?? []]
    : beside(file.webhooks);
  const [connectionsFile = files.connections, ...connections] = file.connections === undefined
    ? [files.connections, ...files.overlays?.connections ?? []]
    : beside(file.connections);
  const named = [
    ...(file.webhooks === undefined ? [] : ["webhooks"] as const),
    ...(file.connections === undefined ? [] : ["connections"] as const),
    ...files.named,
  ];
  return { webhooksFile, connectionsFile, overlays: { webhooks, connections }, named };
}

/** Takes what a provider reports. */
class Collector implements ConfigSink {
  readonly changes: ConfigChange[] = [];
  readonly problems: string[] = [];

  apply(changes: readonly ConfigChange[]): void {
    this.changes.push(...changes);
  }

  reportSource(source: string, problem: ProblemReason | undefined): void {
    // A name that no entry can have keeps no other entry from being served.
    if (problem !== undefined && problem.code !== "foreign_key") {
      this.problems.push(`${source}: ${problem.message}`);
    }
  }
}
