/**
 * The command `check`: what is wrong with a configuration, without serving it.
 *
 * @module
 */

import type { Catalog } from "../config/catalog.ts";
import { ConfigManager } from "../config/manager.ts";
import type { Problem, Warning } from "../config/problem.ts";
import type { ConfigProvider } from "../config/provider.ts";
import { openSecrets } from "../config/secrets/sources.ts";
import { CLOSED_LEASE, type OutputLease, type PooledConnection } from "../delivery/outputs/output_pool.ts";
import { StartupError } from "../errors.ts";
import { createProvider } from "../gateway/backends.ts";
import { problemOfTokens } from "../gateway/admin_tokens.ts";
import { problemOfCertificate } from "../gateway/certificate.ts";
import { describeOwnState } from "../gateway/shared_port.ts";
import type { OutputModule } from "../modules/module.ts";
import { outputModules, outputModulesWithin } from "../modules/registry.ts";
import type { LineWriter } from "../io/line_writer.ts";
import { logger } from "../observability/logging.ts";
import { escapeUnsafe } from "../observability/safe_text.ts";
import type { Settings } from "../settings/settings.ts";
import { collectNotices } from "./notices.ts";
import {
  type ConnectionUses,
  type DirectUse,
  probeConnections,
  probeOutputs,
  type ProbeResult,
} from "./probe_connections.ts";
import { reportAsJson } from "./check/report.ts";
import { ConfigurationCopy } from "./print/configuration_copy.ts";
import { print as printLine, printError } from "./terminal.ts";
import { count } from "./command_line.ts";

/** How long the backend may take to give its configuration, in milliseconds. */
const LOAD_TIMEOUT_MS = 10_000;

/** Webhooks without authentication that are named. */
const LISTED_WEBHOOKS = 100;

/** How to check. */
export interface CheckOptions {
  /** Whether to ask the system behind each connection if it can take events, too, and those of each webhook. */
  readonly probe: boolean;
  /** Takes the configuration as it is after its files are merged, without secrets. @default it is not shown */
  readonly show?: ((text: string) => void) | undefined;
  /** Takes the lines of the report. @default print */
  readonly print?: (line: string) => void;
  /** Whether the report is one JSON document on one line. @default false */
  readonly json?: boolean;
  /** The text of a file of webhooks to check instead of those of the backend. @default none */
  readonly given?: Uint8Array<ArrayBuffer> | undefined;
}

/** How long all secrets may take to be read, in milliseconds. */
const SECRETS_TIMEOUT_MS = 30_000;

/**
 * Validates the webhooks and connections of the configured backend without serving, and prints every
 * problem and warning. Returns the exit status: 1 if there are any problems.
 */
export async function check(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  { probe, show, json = false, given, print: write = show === undefined ? printLine : printError }:
    CheckOptions,
): Promise<number> {
  const print = json ? () => {} : write;
  if (given === undefined) await refuseUnreachable(settings);
  await using secrets = await openSecrets(settings);
  const uses = new OutputUses();
  const manager = new ConfigManager({
    outputs: uses,
    compile: {
      environment,
      modules: outputModulesWithin(settings.outputBounds),
      auth: settings.auth,
      corsOrigins: settings.corsOrigins,
    },
    secrets,
    warnsOfDefault: !settings.defaultWebhook,
    notifyWebhook: settings.notifyWebhook,
    logger: logger("config"),
    inspects: probe,
  });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => manager.close());
  const provider = stack.use(await createProvider(settings, { keepsPlaces: true, given }));
  const copy = new ConfigurationCopy(
    manager,
    settings.configBackend === "file" || given !== undefined ? settings.defaultNamespace : undefined,
  );
  try {
    await provider.start(show === undefined ? manager : copy, AbortSignal.timeout(LOAD_TIMEOUT_MS));
  } catch (cause) {
    const seconds = LOAD_TIMEOUT_MS / 1000;
    throw new StartupError("backend_unreachable", [
      `Cannot check the configuration: the ${settings.configBackend} backend did not give it within ${seconds} seconds`,
    ], { cause });
  }
  show?.(copy.toText());
  const ofSettings = [...settings.warnings, describeOwnState(settings) ?? []].flat();
  for (const warning of ofSettings) print(`warning: ${warning}`);
  const { adminTokensFile } = settings;
  if (adminTokensFile !== undefined) manager.reportSource(...await problemOfTokens(adminTokensFile), "");
  if (settings.tls !== undefined) manager.reportSource(...await problemOfCertificate(settings.tls), "");
  await readSecrets(manager);
  await manager.inspected();
  const problems = [...manager.catalog.problems()];
  for (const problem of problems) print(escapeUnsafe(describe(problem, provider)));
  const warnings = [...manager.catalog.warnings(), ...probe ? await collectNotices(manager) : []];
  for (const warning of warnings) print(escapeUnsafe(`warning: ${describe(warning, provider)}`));
  const open = describeOpen(manager.catalog);
  if (open !== undefined) print(open);
  // Variables and keys that have no effect here are those of the Python service.
  const isFromPython = settings.warnings.length > 0 || warnings.some(({ code }) => code === "no_effect");
  const uncleaned = isFromPython ? describeUncleaned(manager.catalog) : undefined;
  if (uncleaned !== undefined) print(uncleaned);
  const { webhooks, connections } = manager.size;
  const found = [
    count(problems.length, "problem"),
    ...warnings.length === 0 ? [] : [count(warnings.length, "warning")],
  ];
  print(`${found.join(", ")} in ${count(webhooks, "webhook")} and ${count(connections, "connection")}`);
  const probes = probe ? await printProbes(manager, uses, print) : undefined;
  const isGood = problems.length === 0 && (probes?.failed ?? 0) === 0;
  if (json) {
    const placed = (finding: Problem | Warning) => ({ ...finding, place: placeOf(finding, provider) });
    write(reportAsJson({
      ok: isGood,
      problems: problems.map(placed),
      warnings: warnings.map(placed),
      settings: ofSettings,
      open: [...manager.catalog.undeclaredOpen(LISTED_WEBHOOKS)],
      openCount: manager.catalog.openWebhooks.undeclared,
      webhooks,
      connections,
      probes: probes?.results,
    }));
  }
  return isGood ? 0 : 1;
}

/** Says at once why etcd does not give the configuration, which would be waited for otherwise. */
async function refuseUnreachable({ configBackend, etcd }: Settings): Promise<void> {
  if (configBackend !== "etcd") return;
  const { whyUnreachable } = await import("../config/etcd/wire/reason.ts");
  const reasons = await whyUnreachable(etcd);
  if (reasons === undefined) return;
  throw new StartupError("backend_unreachable", [
    "Cannot check the configuration: no member of etcd gives it",
    ...reasons,
  ]);
}

/** Webhooks that everybody may send to without a word of it in their configuration: the first ones by name. */
function describeOpen(catalog: Catalog): string | undefined {
  const { undeclared } = catalog.openWebhooks;
  if (undeclared === 0) return undefined;
  const names = catalog.undeclaredOpen(LISTED_WEBHOOKS);
  const more = undeclared > names.length ? ` and ${undeclared - names.length} more` : "";
  return `${count(undeclared, "webhook")} without authentication, so that everybody may send: ${
    names.join(", ")
  }${more}`;
}

/** For those who come from the Python service, where it was on without a word of it in the configuration. */
function describeUncleaned(catalog: Catalog): string | undefined {
  const uncleaned = [...catalog.entries()].filter(({ webhook }) =>
    webhook !== undefined && webhook.dataType !== "blob" && webhook.rules?.cleanup === undefined
  );
  if (uncleaned.length === 0) return undefined;
  return `${
    count(uncleaned.length, "webhook")
  } without 'credential_cleanup', which was on for all in the Python ` +
    "service: credentials in documents are handed on as they came";
}

async function readSecrets(manager: ConfigManager): Promise<void> {
  try {
    await manager.secretsSettled(AbortSignal.timeout(SECRETS_TIMEOUT_MS));
  } catch (cause) {
    const seconds = SECRETS_TIMEOUT_MS / 1000;
    throw new StartupError("backend_unreachable", [
      `Cannot check the configuration: its secrets could not be read within ${seconds} seconds`,
    ], { cause });
  }
}

/** Prints how every connection and every output without one is doing, and counts those that cannot take events. */
async function printProbes(
  manager: ConfigManager,
  uses: OutputUses,
  print: (line: string) => void,
): Promise<{ readonly failed: number; readonly results: readonly ProbeResult[] }> {
  const connections = [...manager.connections()];
  const context = { logger: logger("output"), lines: NO_LINES };
  const ofConnections = await probeConnections(connections, outputModules, context, (one) => uses.of(one));
  const ofOutputs = await probeOutputs(uses.direct(), context);
  const results = [...ofConnections, ...ofOutputs];
  for (const result of results) {
    for (const line of describeProbe(result)) print(escapeUnsafe(line));
  }
  const failed =
    new Set(ofConnections.filter(({ failures }) => failures.length > 0).map(({ place }) => place)).size;
  print(`${count(failed, "connection")} of ${connections.length} cannot take events`);
  if (ofOutputs.length === 0) return { failed, results };
  const failedOutputs = ofOutputs.filter(({ failures }) => failures.length > 0).length;
  print(`${count(failedOutputs, "output")} without a connection of ${ofOutputs.length} cannot take events`);
  return { failed: failed + failedOutputs, results };
}

/** Notes which connection webhooks would deliver their events to, and opens none. */
class OutputUses {
  readonly #uses = new Map<string, Map<OutputModule, Set<unknown>>>();
  /** By what tells outputs of a module apart. */
  readonly #direct = new Map<string, DirectUse>();

  acquire(module: OutputModule, connection: PooledConnection | undefined, config: unknown): OutputLease {
    if (connection === undefined) {
      this.#direct.set(`${module.name}\0${module.partition?.(config) ?? ""}`, { module, config });
      return CLOSED_LEASE;
    }
    const key = keyOf(connection);
    const ofConnection = this.#uses.get(key) ?? new Map<OutputModule, Set<unknown>>();
    this.#uses.set(key, ofConnection);
    ofConnection.set(module, (ofConnection.get(module) ?? new Set()).add(config));
    return CLOSED_LEASE;
  }

  /** One use of each output that needs no connection. */
  direct(): Iterable<DirectUse> {
    return this.#direct.values();
  }

  of(connection: PooledConnection): ConnectionUses | undefined {
    return this.#uses.get(keyOf(connection));
  }
}

function keyOf({ name, fingerprint }: PooledConnection): string {
  return `${name}\0${fingerprint}`;
}

/** Nothing is delivered while checking. */
const NO_LINES: LineWriter = {
  write: () => Promise.reject(new TypeError("Cannot print events: nothing is delivered here")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function describeProbe({ place, module, failures }: ProbeResult): readonly string[] {
  if (module === undefined) return [`${place}: not probed, since no module uses its type yet`];
  if (failures.length === 0) return [`${place}: ${module} can take events`];
  return failures.map(({ message, code }) => `${place}: ${message} (${code})`);
}

function placeOf({ key, path }: Problem | Warning, provider: ConfigProvider): string | undefined {
  return provider.placeOf?.(key, path);
}

function describe(finding: Problem | Warning, provider: ConfigProvider): string {
  const { key, path, message, code } = finding;
  const place = placeOf(finding, provider);
  return `${place === undefined ? "" : `${place}: `}${key}: ${
    path === "" ? "" : `${path}: `
  }${message} (${code})`;
}
