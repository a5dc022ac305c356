/**
 * Static settings: the environment variables become one validated object. One table defines every
 * variable; parsing, `--help` and the README's table follow from it.
 *
 * @module
 */

import { join } from "@std/path";
import { StartupError } from "../errors.ts";
import { DEFAULT_JSON_BOUNDS } from "../json/scan.ts";
import { unreadVariables } from "./python_variables.ts";
import { journalDirectory, SECRET_SOURCE_VARIABLES, type SecretSettings, secretSettings } from "./secrets.ts";
import { choice, host, integer, list, matching, network, onOff, secret, text } from "./types.ts";
import {
  ETCD_LOGIN_VARIABLES,
  ETCD_SERVER_VARIABLES,
  etcdContradictions,
  type EtcdSettings,
  etcdSettings,
  withoutServiceLink,
} from "./etcd.ts";
import { ifSet, optional, type ValuesOf, variable } from "./variable.ts";
import { OUTPUT_BOUND_VARIABLES, type OutputBounds, outputBounds } from "./output_bounds.ts";
import { vaultContradictions, type VaultSettings, vaultSettings } from "./vault.ts";

/** Everything that is fixed while the process runs. Sizes are in bytes, times in milliseconds. */
export interface Settings {
  readonly configBackend: "file" | "etcd";
  /** Paths of the file backend's files. */
  readonly files: {
    readonly webhooks: string;
    readonly connections: string;
    /** Which of them a variable names: the gateway is not ready before they were read once. */
    readonly named: readonly ("webhooks" | "connections")[];
  };
  readonly etcd: EtcdSettings;
  /** When an outage of the configuration's backend counts, and whether the gateway is then not ready. */
  readonly degraded: { readonly afterMs: number; readonly isUnready: boolean };
  /** Namespace of `/webhook/{webhook_id}`. */
  readonly defaultNamespace: string;
  readonly snapshotFile?: string;
  readonly dataDir: string;
  /** Redis server of the channel queues; left out: they stand in the data directory. Holds a password. */
  readonly relayQueue?: string;
  readonly journal: {
    /** Largest size of the journal on disk. */
    readonly maxBytes: number;
    /** How long events are kept after they were delivered. */
    readonly retentionMs: number;
    /** How much of them is kept at most. */
    readonly retentionBytes: number;
  };
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly log: { readonly level: "debug" | "info" | "warning" | "error"; readonly format: "text" | "json" };
  /** What outputs may do, whoever configures webhooks. */
  readonly outputBounds: OutputBounds;
  readonly limits: {
    readonly maxBodyBytes: number;
    readonly maxJsonDepth: number;
    readonly maxJsonValues: number;
    readonly bodyTimeoutMs: number;
    /** Requests. */
    readonly maxInflight: number;
    readonly maxInflightBytes: number;
    /** Connections; left out: any number. */
    readonly maxConnections?: number;
    readonly deliveryBudgetMs: number;
  };
  readonly shutdown: { readonly graceMs: number; readonly timeoutMs: number };
  readonly adminToken?: string;
  /** IP addresses and CIDR networks. */
  readonly trustedProxies: readonly string[];
  readonly metrics: boolean;
  /** Whether requests to webhooks that do not exist get the webhook `default` of their namespace. */
  readonly defaultWebhook: boolean;
  /** Which answers have the header with the request's id. */
  readonly requestIdHeader: "always" | "errors";
  readonly secrets: SecretSettings;
  /** Where `{$vault:…}` is read; left out while Vault is off. Holds credentials. */
  readonly vault?: VaultSettings;
  /** What the operator should know at the start, one sentence each. */
  readonly warnings: readonly string[];
}

/** One environment variable as the documentation shows it. */
export interface SettingDefinition {
  readonly variable: string;
  /** Its type and range, for example `integer, 1 to 65535`. */
  readonly type: string;
  readonly default: string;
  readonly description: string;
  /** Whether its value must never be shown. */
  readonly secret: boolean;
}

/** The rule of `config/keys.ts`, which stands above this file. */
const NAMESPACE = /^[a-zA-Z0-9_-]{1,64}$/;
const REDIS_URL = /^rediss?:\/\/[^\s/?#]+(\/\d*)?(\?\S*)?$/;
const VISIBLE_ASCII = /^[\x21-\x7e]{16,}$/;

/** A body is held in memory, and as text: V8's strings end at 512 MiB. */
const LARGEST_BODY_BYTES = 256 * 1024 * 1024;
const HOUR_MS = 60 * 60 * 1000;
const TEN_MINUTES_MS = 10 * 60 * 1000;
const TEBIBYTE = 1024 ** 4;

const VARIABLES = {
  CONFIG_BACKEND: variable(
    choice("file", "etcd"),
    "file",
    "Where the configuration of webhooks and connections comes from.",
  ),
  CONFIG_DIR: variable(
    text("path"),
    ".",
    "Directory of `webhooks.json` and `connections.json`, where no other files are named.",
  ),
  WEBHOOKS_CONFIG_FILE: optional(
    text("path"),
    "The file backend's webhooks. The gateway is not ready before a file that is named here was read.",
    "(`webhooks.json` in `CONFIG_DIR`)",
  ),
  CONNECTIONS_CONFIG_FILE: optional(
    text("path"),
    "The file backend's connections. The gateway is not ready before a file that is named here was read.",
    "(`connections.json` in `CONFIG_DIR`)",
  ),
  ...ETCD_SERVER_VARIABLES,
  ETCD_NAMESPACE: variable(
    matching("namespace", (value) => NAMESPACE.test(value), "have 1 to 64 characters of a-z A-Z 0-9 _ -"),
    "default",
    "Namespace of requests to `/webhook/{webhook_id}`.",
  ),
  ...ETCD_LOGIN_VARIABLES,
  CONFIG_SNAPSHOT_FILE: optional(
    text("path"),
    "Keeps the last good configuration from etcd, to start from while etcd cannot be reached.",
  ),
  CONFIG_DEGRADED_AFTER_SECONDS: variable(
    integer(1, 86_400, "seconds"),
    60,
    "How long changes in etcd may not reach this process before `/readyz` says `degraded`.",
  ),
  UNREADY_WHEN_DEGRADED: variable(
    onOff(),
    false,
    "`on`: `/readyz` answers 503 while the configuration is degraded. The cache goes on serving all the same.",
    "off",
  ),
  DATA_DIR: variable(text("path"), "./data", "Directory for what must survive a restart."),
  RELAY_QUEUE: optional(
    secret((value) => REDIS_URL.test(value), "be redis://host:port or rediss://host:port"),
    "Redis server, such as `redis://host:6379`, for channels that all instances share; without it, each " +
      "instance has its own in `DATA_DIR`.",
  ),
  JOURNAL_MAX_BYTES: variable(
    integer(16 * 1024 * 1024, TEBIBYTE, "bytes"),
    10 * 1024 ** 3,
    "Largest size of the journal in `DATA_DIR`; when it is reached, `durable` webhooks answer 503.",
  ),
  JOURNAL_RETENTION_MS: variable(
    integer(0, 30 * 24 * HOUR_MS, "ms"),
    0,
    "How long an event is kept in the journal after it was delivered.",
  ),
  JOURNAL_RETENTION_BYTES: variable(
    integer(0, TEBIBYTE, "bytes"),
    1024 ** 3,
    "How much of delivered events is kept at most; the oldest go first.",
  ),
  HOST: variable(host(), "0.0.0.0", "Address to listen on; `::` for IPv4 and IPv6."),
  PORT: variable(integer(0, 65535), 8000, "Port to listen on; 0 for any free one."),
  LOG_LEVEL: variable(choice("debug", "info", "warning", "error"), "info", "Least severe messages to log."),
  LOG_FORMAT: optional(choice("text", "json"), "Form of the log lines.", "(text on a terminal, else json)"),
  MAX_BODY_BYTES: variable(
    integer(1, LARGEST_BODY_BYTES, "bytes"),
    10 * 1024 * 1024,
    "Largest body of a request, as sent and decoded; a webhook's `max_body_bytes` overrides it.",
  ),
  MAX_JSON_DEPTH: variable(
    integer(1, 100_000, "levels"),
    DEFAULT_JSON_BOUNDS.maxDepth,
    "How deep objects and arrays of a JSON document may be nested.",
  ),
  MAX_JSON_VALUES: variable(
    integer(1, 100_000_000, "values"),
    DEFAULT_JSON_BOUNDS.maxValues,
    "How many values a JSON document may have: objects, arrays, texts, numbers and words.",
  ),
  BODY_TIMEOUT_MS: variable(integer(1, HOUR_MS, "ms"), 30_000, "How long a body may take to arrive."),
  MAX_INFLIGHT: variable(
    integer(1, 1_000_000, "requests"),
    4096,
    "How many requests may be under way at once: those to one webhook half of them at most.",
  ),
  MAX_INFLIGHT_BYTES: variable(
    integer(1, TEBIBYTE, "bytes"),
    1024 ** 3,
    "How long the bodies of all requests under way may be together: those to one webhook half of it at most.",
  ),
  MAX_CONNECTIONS: optional(
    integer(1, 1_000_000),
    "How many connections may be open at once, on Linux: for each one more, a request gets 503 and its connection is closed.",
    "(any number)",
  ),
  DELIVERY_BUDGET_MS: variable(
    integer(1, TEN_MINUTES_MS, "ms"),
    10_000,
    "How long a request with `accept: delivered` may wait for its output, retries included. A first attempt " +
      "may take as long as its output's time-out.",
  ),
  SHUTDOWN_GRACE_MS: variable(
    integer(0, HOUR_MS, "ms"),
    8000,
    "How long a gateway serves on at most after SIGTERM, not ready, until load balancers have noticed. Once no webhook request has come for 2 s it ends earlier.",
  ),
  SHUTDOWN_TIMEOUT_MS: variable(
    integer(0, HOUR_MS, "ms"),
    5000,
    "How long a stopping gateway then waits for requests under way.",
  ),
  ADMIN_TOKEN: optional(
    secret(
      (value) => VISIBLE_ASCII.test(value),
      "have at least 16 characters, all visible ASCII without spaces",
    ),
    "Bearer token of the admin routes, which answer 403 while it is not set.",
  ),
  TRUSTED_PROXIES: variable(
    list(network()),
    [],
    "Proxies whose X-Forwarded-For header is believed.",
    "(none)",
  ),
  DEFAULT_WEBHOOK: variable(
    onOff(),
    false,
    "Whether requests to webhooks that do not exist get the webhook `default` of their namespace, as in the " +
      "Python service.",
    "off",
  ),
  METRICS: variable(onOff(), true, "Whether `/metrics` is served.", "on"),
  REQUEST_ID_HEADER: variable(
    choice("always", "errors"),
    "always",
    "Which answers have the header `X-Request-Id`. `errors` leaves it out where an event was accepted, whose id the body has too: small requests then take a tenth less.",
  ),
  ...OUTPUT_BOUND_VARIABLES,
  ...SECRET_SOURCE_VARIABLES,
} as const;

type Values = ValuesOf<typeof VARIABLES>;

/** Every environment variable, in the order of the documentation. */
export const SETTING_DEFINITIONS: readonly SettingDefinition[] = Object.entries(VARIABLES).map((
  [name, { type, description, defaultLabel }],
) => ({
  variable: name,
  type: type.label,
  default: defaultLabel,
  description,
  secret: type.isSecret === true,
}));

/**
 * The variables whose values are secrets of the program itself. What a configuration says may be written by
 * others than the operator, so references cannot read them.
 */
export const SECRET_VARIABLES: ReadonlySet<string> = new Set([
  ...SETTING_DEFINITIONS.filter(({ secret }) => secret).map(({ variable }) => variable),
]);

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
  return {
    configBackend: values.CONFIG_BACKEND,
    files,
    etcd: etcdSettings(values),
    degraded: {
      afterMs: values.CONFIG_DEGRADED_AFTER_SECONDS * 1000,
      isUnready: values.UNREADY_WHEN_DEGRADED,
    },
    defaultNamespace: values.ETCD_NAMESPACE,
    ...ifSet("snapshotFile", values.CONFIG_SNAPSHOT_FILE),
    dataDir: values.DATA_DIR,
    ...ifSet("relayQueue", values.RELAY_QUEUE),
    journal: {
      maxBytes: values.JOURNAL_MAX_BYTES,
      retentionMs: values.JOURNAL_RETENTION_MS,
      retentionBytes: values.JOURNAL_RETENTION_BYTES,
    },
    host: values.HOST,
    port: values.PORT,
    log: { level: values.LOG_LEVEL, format: values.LOG_FORMAT ?? (logIsTerminal ? "text" : "json") },
    limits: {
      maxBodyBytes: values.MAX_BODY_BYTES,
      maxJsonDepth: values.MAX_JSON_DEPTH,
      maxJsonValues: values.MAX_JSON_VALUES,
      bodyTimeoutMs: values.BODY_TIMEOUT_MS,
      maxInflight: values.MAX_INFLIGHT,
      maxInflightBytes: values.MAX_INFLIGHT_BYTES,
      ...ifSet("maxConnections", values.MAX_CONNECTIONS),
      deliveryBudgetMs: values.DELIVERY_BUDGET_MS,
    },
    shutdown: { graceMs: values.SHUTDOWN_GRACE_MS, timeoutMs: values.SHUTDOWN_TIMEOUT_MS },
    ...ifSet("adminToken", values.ADMIN_TOKEN),
    trustedProxies: values.TRUSTED_PROXIES,
    metrics: values.METRICS,
    defaultWebhook: values.DEFAULT_WEBHOOK,
    requestIdHeader: values.REQUEST_ID_HEADER,
    outputBounds: outputBounds(values),
    ...ifSet("vault", vaultSettings(values, warnings)),
    secrets: secretSettings(values, [
      files.webhooks,
      files.connections,
      values.CONFIG_SNAPSHOT_FILE,
      journalDirectory(values.DATA_DIR),
      values.ETCD_USERNAME_FILE,
      values.ETCD_PASSWORD_FILE,
      values.ETCD_TLS_CERT,
      values.ETCD_TLS_KEY,
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
  const { values, problems } = readVariables(Object.fromEntries(names.map((name) => [name, env[name]])));
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
      const value = env[name]?.trim() ?? "";
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
    ...etcdContradictions(values),
    ...vaultContradictions(values),
  ];
  if (values.MAX_INFLIGHT_BYTES < values.MAX_BODY_BYTES) {
    problems.push(
      `MAX_INFLIGHT_BYTES must not be less than MAX_BODY_BYTES: ` +
        `current values are ${values.MAX_INFLIGHT_BYTES} and ${values.MAX_BODY_BYTES}`,
    );
  }
  return problems;
}

function fileSettings(values: Values): Settings["files"] {
  const { CONFIG_DIR: directory, WEBHOOKS_CONFIG_FILE: webhooks, CONNECTIONS_CONFIG_FILE: connections } =
    values;
  return {
    webhooks: webhooks ?? join(directory, "webhooks.json"),
    connections: connections ?? join(directory, "connections.json"),
    named: [
      ...(webhooks === undefined ? [] : ["webhooks"] as const),
      ...(connections === undefined ? [] : ["connections"] as const),
    ],
  };
}

/** How many characters may be wrong for a name to count as misspelt. */
const MISSPELLING_EDITS = 2;

/**
 * Names that begin like a variable of ours and differ from one by a slip of the pen. Others are left alone:
 * the environment is full of variables that belong to somebody else.
 */
function* misspellings(env: Readonly<Record<string, string | undefined>>): Generator<string> {
  const names = Object.keys(VARIABLES);
  const families = new Set(names.filter((name) => name.includes("_")).map((name) => name.split("_", 1)[0]));
  for (const name of Object.keys(env)) {
    if (name in VARIABLES || !name.includes("_") || !families.has(name.split("_", 1)[0])) continue;
    const meant = names.find((known) => editDistance(name, known) <= MISSPELLING_EDITS);
    if (meant !== undefined) yield `${name} is not a variable of this program: did you mean ${meant}?`;
  }
}

/** Levenshtein distance: how many characters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = row[column - 1]! + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
