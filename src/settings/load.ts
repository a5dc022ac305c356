/**
 * Reads the settings: the environment variables become one validated object.
 *
 * @module
 */

import { telemetryWarnings } from "../observability/telemetry_variables.ts";
import { join } from "@std/path";
import { StartupError } from "../errors.ts";
import { unreadVariables } from "./python_variables.ts";
import { journalDirectory, SECRET_SOURCE_VARIABLES, secretSettings } from "./secrets.ts";
import { etcdContradictions, etcdOperatorSettings, etcdSettings, withoutServiceLink } from "./etcd.ts";
import { ifSet } from "./variable.ts";
import {
  journalContradictions,
  journalFiles,
  journalTempo,
  journalWarnings,
  postgresSettings,
} from "./journal/journal.ts";
import { otherNameOf } from "./proxies.ts";
import { OUTPUT_BOUND_VARIABLES, type OutputBounds, outputBounds } from "./output_bounds.ts";
import { tlsContradictions, tlsSettings } from "./tls.ts";
import { vaultContradictions, vaultSettings } from "./vault.ts";
import type { Settings } from "./settings.ts";
import { defaultSnapshotFile, snapshotSettings } from "./snapshot/snapshot.ts";
import { misspellings } from "./spelling.ts";
import { namedSecretFiles, type Values, VARIABLES } from "./table.ts";

/**
 * Reads all settings. A variable that is empty counts as not set; whitespace around a value is dropped.
 *
 * @throws {StartupError} `settings_invalid` with one line per problem, for all problems at once
 */
export function loadSettings(
  env: Readonly<Record<string, string | undefined>>,
  { logIsTerminal }: { readonly logIsTerminal: boolean },
): Settings {
  const warnings = [...misspellings(env), ...[unreadVariables(env) ?? []].flat()];
  const { values, problems } = readVariables(withoutServiceLink(env, warnings));
  problems.push(...contradictions(values));
  if (problems.length > 0) throw new StartupError("settings_invalid", problems);

  const files = fileSettings(values);
  const postgres = postgresSettings(values);
  warnings.push(...journalWarnings(postgres), ...telemetryWarnings(env));
  return {
    configBackend: values.CONFIG_BACKEND,
    files,
    etcd: etcdSettings(values),
    etcdOperator: etcdOperatorSettings(values),
    degraded: {
      afterMs: values.CONFIG_DEGRADED_AFTER_SECONDS * 1000,
      isUnready: values.UNREADY_WHEN_DEGRADED,
    },
    defaultNamespace: values.ETCD_NAMESPACE,
    ...ifSet("snapshot", snapshotSettings(values)),
    ...ifSet("policyFile", values.POLICY_FILE),
    dataDir: values.DATA_DIR,
    ...ifSet("relayQueue", values.RELAY_QUEUE),
    journal: {
      maxBytes: values.JOURNAL_MAX_BYTES,
      retentionMs: values.JOURNAL_RETENTION_MS,
      retentionBytes: values.JOURNAL_RETENTION_BYTES,
      ...ifSet("postgres", postgres && { ...postgres, tempo: journalTempo(values) }),
    },
    host: values.HOST,
    port: values.PORT,
    sharesPort: values.REUSE_PORT,
    ...ifSet("instancePort", values.INSTANCE_PORT),
    ...ifSet("tls", tlsSettings(values)),
    log: { level: values.LOG_LEVEL, format: values.LOG_FORMAT ?? (logIsTerminal ? "text" : "json") },
    limits: {
      maxBodyBytes: values.MAX_BODY_BYTES,
      maxJsonDepth: values.MAX_JSON_DEPTH,
      maxJsonValues: values.MAX_JSON_VALUES,
      bodyTimeoutMs: values.BODY_TIMEOUT_MS,
      maxInFlight: values.MAX_INFLIGHT,
      maxInFlightBytes: values.MAX_INFLIGHT_BYTES,
      ...ifSet("maxConnections", values.MAX_CONNECTIONS),
      deliveryBudgetMs: values.DELIVERY_BUDGET_MS,
      switchOffAfterMs: values.SWITCH_OFF_AFTER_MS === 0 ? Infinity : values.SWITCH_OFF_AFTER_MS,
      ...ifSet("namespaceRate", values.NAMESPACE_RATE_LIMIT),
    },
    shutdown: { graceMs: values.SHUTDOWN_GRACE_MS, timeoutMs: values.SHUTDOWN_TIMEOUT_MS },
    ...ifSet("adminToken", values.ADMIN_TOKEN),
    ...ifSet("adminTokensFile", values.ADMIN_TOKENS_FILE),
    ...ifSet("metricsToken", values.METRICS_TOKEN),
    trustedProxies: values.TRUSTED_PROXIES,
    ...ifSet("publicUrl", values.PUBLIC_URL),
    auth: {
      isRequired: values.REQUIRE_AUTH,
      ...ifSet("clientCertificates", values.CLIENT_CERTIFICATE_HEADERS),
      missing: values.CLIENT_CERTIFICATE_HEADERS === undefined ? ["CLIENT_CERTIFICATE_HEADERS"] : [],
    },
    corsOrigins: values.CORS_ALLOWED_ORIGINS,
    ...ifSet("notifyWebhook", values.NOTIFY_WEBHOOK),
    ...(values.EVENT_LOG_CONNECTION === undefined ? {} : {
      eventLog: {
        connection: values.EVENT_LOG_CONNECTION,
        table: values.EVENT_LOG_TABLE,
        createsTable: values.EVENT_LOG_CREATE_TABLE,
      },
    }),
    metrics: values.METRICS,
    metricsWebhooks: values.METRICS_WEBHOOKS,
    ...(values.STATS === "off" ? {} : {
      statistics: { isKept: values.STATS === "kept", ...ifSet("token", values.STATS_AUTH_TOKEN) },
    }),
    defaultWebhook: values.DEFAULT_WEBHOOK,
    requestIdHeader: values.REQUEST_ID_HEADER,
    outputBounds: outputBounds(values),
    ...ifSet("vault", vaultSettings(values, warnings)),
    secrets: secretSettings(values, [
      ...namedSecretFiles(values),
      files.webhooks,
      files.connections,
      defaultSnapshotFile(values.DATA_DIR, "file"),
      defaultSnapshotFile(values.DATA_DIR, "etcd"),
      journalDirectory(values.DATA_DIR),
      ...journalFiles(values),
    ]),
    warnings,
  };
}

/**
 * Reads the settings of secrets alone, for a program whose other settings stand elsewhere.
 *
 * @param ownFiles files with secrets of that program, which no reference may read
 * @throws {StartupError} `settings_invalid` with one line per problem, for all problems at once
 */
export function loadSecretSettings(
  env: Readonly<Record<string, string | undefined>>,
  ownFiles: readonly (string | undefined)[],
): Pick<Settings, "secrets" | "vault" | "warnings"> {
  const names = Object.keys(SECRET_SOURCE_VARIABLES);
  const { values, problems } = readVariables(Object.fromEntries(names.map((name) => [name, env[name]])));
  problems.push(...vaultContradictions(values));
  if (problems.length > 0) throw new StartupError("settings_invalid", problems);
  const warnings: string[] = [];
  return {
    ...ifSet("vault", vaultSettings(values, warnings)),
    secrets: secretSettings(values, ownFiles),
    warnings,
  };
}

/**
 * Reads what the operator lets outputs do, for a program whose other settings stand elsewhere.
 *
 * @throws {StartupError} `settings_invalid` with one line per problem
 */
export function loadOutputBounds(env: Readonly<Record<string, string | undefined>>): OutputBounds {
  const names = Object.keys(OUTPUT_BOUND_VARIABLES);
  const { values, problems } = readVariables(
    Object.fromEntries(names.map((name) => [name, env[name] ?? env[otherNameOf(name)]])),
  );
  if (problems.length > 0) throw new StartupError("settings_invalid", problems);
  return outputBounds(values);
}

/** Variables that are wrong have their default among the values, so that the rest can still be checked. */
function readVariables(
  env: Readonly<Record<string, string | undefined>>,
): { values: Values; problems: string[] } {
  const problems: string[] = [];
  const values = Object.fromEntries(
    Object.entries(VARIABLES).map(([name, { type, fallback }]) => {
      const value = (env[name] ?? env[otherNameOf(name)])?.trim() ?? "";
      if (value === "") return [name, fallback];
      const parsed = type.parse(value);
      if ("value" in parsed) return [name, parsed.value];
      problems.push(...parsed.problems.map((problem) => `${name} ${problem}`));
      return [name, fallback];
    }),
  );
  return { values: values as Values, problems };
}

/** What is wrong between variables that are each right. */
function contradictions(values: Values): string[] {
  const problems = [
    ...tokenContradictions(values),
    ...fileContradictions(values),
    ...etcdContradictions(values),
    ...vaultContradictions(values),
    ...tlsContradictions(values),
    ...journalContradictions(values),
    ...(values.CLIENT_CERTIFICATE_HEADERS !== undefined && values.TRUSTED_PROXIES.length === 0
      ? ["CLIENT_CERTIFICATE_HEADERS needs TRUSTED_PROXIES: nobody else's word about certificates is taken"]
      : []),
  ];
  if (values.INSTANCE_PORT !== undefined && values.INSTANCE_PORT === values.PORT && values.PORT !== 0) {
    problems.push("INSTANCE_PORT must not be PORT: it is the port of this instance alone");
  }
  if (values.MAX_INFLIGHT_BYTES < values.MAX_BODY_BYTES) {
    problems.push(
      `MAX_INFLIGHT_BYTES must not be less than MAX_BODY_BYTES: ` +
        `current values are ${values.MAX_INFLIGHT_BYTES} and ${values.MAX_BODY_BYTES}`,
    );
  }
  return problems;
}

/** One that sees the metrics of all must not be able to act. */
function tokenContradictions({ ADMIN_TOKEN, METRICS_TOKEN }: Values): readonly string[] {
  if (METRICS_TOKEN === undefined || METRICS_TOKEN !== ADMIN_TOKEN) return [];
  return [
    "METRICS_TOKEN must not be ADMIN_TOKEN: make another one, or leave it out, as /metrics takes ADMIN_TOKEN too",
  ];
}

function fileSettings(values: Values): Settings["files"] {
  const { CONFIG_DIR: directory } = values;
  const [webhooks, ...webhookOverlays] = filesOf(values, "WEBHOOKS_CONFIG_FILE");
  const [connections, ...connectionOverlays] = filesOf(values, "CONNECTIONS_CONFIG_FILE");
  const hasOverlays = webhookOverlays.length > 0 || connectionOverlays.length > 0;
  return {
    webhooks: webhooks ?? join(directory, "webhooks.json"),
    connections: connections ?? join(directory, "connections.json"),
    ...(hasOverlays ? { overlays: { webhooks: webhookOverlays, connections: connectionOverlays } } : {}),
    named: [
      ...(webhooks === undefined ? [] : ["webhooks"] as const),
      ...(connections === undefined ? [] : ["connections"] as const),
    ],
  };
}

/** The variables that name one file, each of which has another one, with an S, that names several. */
type FileVariable = "WEBHOOKS_CONFIG_FILE" | "CONNECTIONS_CONFIG_FILE";

const FILE_VARIABLES: readonly FileVariable[] = ["WEBHOOKS_CONFIG_FILE", "CONNECTIONS_CONFIG_FILE"];

/** The files that a variable names, or the one with an S; none where neither is set. */
function filesOf(values: Values, name: FileVariable): readonly string[] {
  return values[`${name}S`] ?? [values[name] ?? []].flat();
}

function fileContradictions(values: Values): readonly string[] {
  return FILE_VARIABLES.filter((name) => values[name] !== undefined && values[`${name}S`] !== undefined)
    .map((name) => `${name} and ${name}S must not be set together: remove one of them`);
}
