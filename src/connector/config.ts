/**
 * The connector's configuration: a file, environment variables over it, and what the two must not
 * contradict each other in. All problems are reported at once, and none of them shows a value.
 *
 * @module
 */

import { closestString } from "@std/text/closest-string";
import { describeIssues } from "../config/compile/describe_issues.ts";
import { parseJsonObject, readFileContent } from "../config/values/json_file.ts";
import { forEachDuplicateKey } from "../json/text.ts";
import type { ProblemReason, WarningReason } from "../config/problem.ts";
import { isRemark } from "../config/values/remarks.ts";
import type { SecretLookup } from "../config/secrets/lookup.ts";
import { substituteOnce } from "../config/values/substitute_once.ts";
import type { Environment } from "../config/values/substitution.ts";
import { StartupError } from "../errors.ts";
import { PemFileError, type PemTexts, readPemFiles } from "../io/tls.ts";
import { parseHttpAddress, parseHttpBase } from "../schema/addresses.ts";
import {
  CONNECTOR_VARIABLES,
  type ConnectorFile,
  connectorSchema,
  type TargetConfig,
} from "./config_schema.ts";
import { type ConnectorEtcd, connectorEtcd, etcdContradictions, usesEtcd } from "./etcd_config.ts";

/** How long the secrets of the file may take to be read, in milliseconds. */
const SECRETS_TIMEOUT_MS = 30_000;

/** Where events go: exactly one of the three modes. */
export type DeliveryConfig =
  | {
    readonly mode: "http";
    readonly defaultTarget: TargetConfig | undefined;
    readonly targets: ReadonlyMap<string, TargetConfig>;
  }
  | {
    readonly mode: "module";
    readonly webhooks: string;
    readonly connections: string;
    readonly namespace: string | undefined;
  }
  | {
    readonly mode: "etcd";
    readonly etcd: ConnectorEtcd;
    readonly namespace: string | undefined;
  };

/** Everything that a connector is configured with. Times are in milliseconds. */
export interface ConnectorConfig {
  /** Without a final slash. */
  readonly cloudUrl: string;
  readonly channel: string;
  readonly token: string;
  readonly protocol: ConnectorFile["protocol"];
  readonly connectorId: string;
  readonly delivery: DeliveryConfig;
  readonly maxConcurrent: number;
  /** After how many bytes of held bodies no more is asked for; `undefined` where the channel says it. */
  readonly maxHeldBytes: number | undefined;
  readonly ordered: boolean;
  readonly redelivery: { readonly initialMs: number; readonly maxMs: number };
  readonly reconnect: { readonly initialMs: number; readonly maxMs: number; readonly multiplier: number };
  readonly connectionTimeoutMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly ackTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly tls: PemTexts;
  /** `undefined`: `/health` and `/metrics` are not served. */
  readonly status: { readonly host: string; readonly port: number } | undefined;
  readonly log: { readonly level: ConnectorFile["log_level"]; readonly format: "text" | "json" };
  /** Files with secrets of the connector itself, which no reference may read. */
  readonly ownFiles: readonly string[];
  /** What the operator should know at the start, one sentence each. */
  readonly warnings: readonly string[];
}

/** Where the configuration comes from. */
export interface ConnectorSource {
  /** Path of `connector.json`; `undefined` for the environment alone. */
  readonly file: string | undefined;
  readonly environment: Environment;
  /** What references to secrets are looked up in; left out, each of them is a problem. */
  readonly secrets?: SecretLookup;
  readonly hostname: string;
  readonly logIsTerminal: boolean;
}

/**
 * Reads the configuration.
 *
 * @throws {StartupError} `settings_invalid` with one line per problem
 */
export async function loadConnectorConfig(source: ConnectorSource): Promise<ConnectorConfig> {
  const { values, warnings } = source.file === undefined
    ? { values: {}, warnings: [] }
    : await readFile(source.file, source);
  const { merged, variables } = withVariables(values, source.environment);
  const parsed = connectorSchema.safeParse(merged);
  if (!parsed.success) {
    throw new StartupError(
      "settings_invalid",
      describeIssues(parsed.error, connectorSchema).map(({ path, message }) =>
        `${variables.get(path) ?? path}: ${message}`
      ),
    );
  }
  const problems = contradictions(parsed.data);
  if (problems.length > 0) throw new StartupError("settings_invalid", problems);
  return await compile(parsed.data, source, warnings);
}

/** The file's values with all references replaced, and what looks like a reference and is none. */
async function readFile(
  path: string,
  { environment, secrets }: ConnectorSource,
): Promise<{ values: Record<string, unknown>; warnings: string[] }> {
  const content = await readFileContent(path);
  if ("problem" in content) throw fileProblem(path, content.problem.message);
  const parsed = await parseJsonObject(content.bytes);
  if ("problem" in parsed) throw fileProblem(path, parsed.problem.message);
  forEachDuplicateKey(parsed.text, (key) => {
    if (isRemark(String(key[0]))) return;
    throw fileProblem(path, `Key '${key.join(".")}' stands there more than once`);
  });
  const remarksOut = Object.fromEntries(Object.entries(parsed.members).filter(([key]) => !isRemark(key)));
  const signal = AbortSignal.timeout(SECRETS_TIMEOUT_MS);
  const { value, problems, warnings } = await substituteOnce(remarksOut, environment, secrets, signal);
  if (problems.length > 0) throw new StartupError("settings_invalid", problems.map(describe));
  return { values: value as Record<string, unknown>, warnings: warnings.map(describe) };
}

function describe({ path, message }: ProblemReason | WarningReason): string {
  return `${path}: ${message}`;
}

function fileProblem(path: string, message: string): StartupError {
  return new StartupError("settings_invalid", [`Cannot use ${path}: ${message}`]);
}

/** The file's values with the variables over them, and which variable set which key. */
function withVariables(
  file: Record<string, unknown>,
  environment: Environment,
): { merged: Record<string, unknown>; variables: Map<string, string> } {
  const merged: Record<string, unknown> = { ...file };
  const variables = new Map<string, string>();
  for (const [variable, path] of Object.entries(CONNECTOR_VARIABLES)) {
    const value = environment[variable]?.trim() ?? "";
    if (value === "") continue;
    variables.set(path, variable);
    const [key = "", child] = path.split(".");
    merged[key] = child === undefined ? value : { ...merged[key] as object | undefined, [child]: value };
  }
  return { merged, variables };
}

/** What is wrong between values that are each right. */
function contradictions(file: ConnectorFile): string[] {
  const modes = [
    ["HTTP targets (default_target, targets)", file.default_target !== undefined || hasTargets(file)],
    ["webhooks_config", file.webhooks_config !== undefined],
    ["etcd_endpoints or etcd_host", usesEtcd(file)],
  ] as const;
  const chosen = modes.filter(([, isChosen]) => isChosen).map(([name]) => name);
  const problems: string[] = [];
  if (chosen.length === 0) {
    problems.push(
      "No delivery mode is chosen: set default_target or targets, webhooks_config, or etcd_endpoints",
    );
  } else if (chosen.length > 1) {
    problems.push(`Only one delivery mode is allowed: ${chosen.join(" and ")} are set, keep one of them`);
  }
  problems.push(...etcdContradictions(file));
  if (!file.verify_ssl) {
    problems.push("verify_ssl must be true: name the authority to trust in ca_cert_path instead");
  }
  if ((file.client_cert_path === undefined) !== (file.client_key_path === undefined)) {
    problems.push("client_cert_path and client_key_path must be set together");
  }
  if (file.max_reconnect_delay < file.reconnect_delay) {
    problems.push("max_reconnect_delay must not be less than reconnect_delay");
  }
  if (cloudUrlOf(file.cloud_url) === undefined) {
    problems.push("cloud_url must be an http, https, ws or wss address without user, query and fragment");
  }
  for (const [name, { url }] of namedTargets(file)) {
    if (!isTargetUrl(url)) problems.push(`${name}.url must be an http or https address without user name`);
  }
  return problems;
}

function hasTargets({ targets = {} }: ConnectorFile): boolean {
  return Object.keys(targets).length > 0;
}

function namedTargets({ default_target: fallback, targets = {} }: ConnectorFile): [string, TargetConfig][] {
  return [
    ...(fallback === undefined ? [] : [["default_target", fallback] as [string, TargetConfig]]),
    ...Object.entries(targets).map(([name, target]): [string, TargetConfig] => [`targets.${name}`, target]),
  ];
}

function cloudUrlOf(text: string): string | undefined {
  const httpText = text.replace(/^ws/i, "http");
  return typeof parseHttpBase(httpText) === "string" ? undefined : new URL(httpText).href.replace(/\/+$/, "");
}

function isTargetUrl(text: string): boolean {
  return typeof parseHttpAddress(text) !== "string";
}

async function compile(
  file: ConnectorFile,
  source: ConnectorSource,
  warnings: readonly string[],
): Promise<ConnectorConfig> {
  const cloudUrl = cloudUrlOf(file.cloud_url) ?? "";
  return {
    cloudUrl,
    channel: file.channel,
    token: file.token,
    protocol: file.protocol,
    connectorId: file.connector_id ?? source.hostname,
    delivery: deliveryOf(file),
    maxConcurrent: file.max_concurrent_requests,
    maxHeldBytes: file.max_held_bytes,
    ordered: file.ordered,
    redelivery: { initialMs: file.redelivery_delay * 1000, maxMs: file.max_redelivery_delay * 1000 },
    reconnect: {
      initialMs: file.reconnect_delay * 1000,
      maxMs: file.max_reconnect_delay * 1000,
      multiplier: file.reconnect_backoff_multiplier,
    },
    connectionTimeoutMs: file.connection_timeout * 1000,
    heartbeatTimeoutMs: file.heartbeat_timeout * 1000,
    ackTimeoutMs: file.ack_timeout * 1000,
    shutdownTimeoutMs: file.shutdown_timeout * 1000,
    tls: await readTls(file),
    status: file.status_port === undefined ? undefined : { host: file.status_host, port: file.status_port },
    log: { level: file.log_level, format: file.log_format ?? (source.logIsTerminal ? "text" : "json") },
    ownFiles: [
      file.webhooks_config,
      file.connections_config,
      file.client_cert_path,
      file.client_key_path,
    ].filter((path) => path !== undefined),
    warnings: [...warnings, ...misspellings(source.environment), ...plainTextWarning(cloudUrl)],
  };
}

function deliveryOf(file: ConnectorFile): DeliveryConfig {
  const { namespace } = file;
  if (file.webhooks_config !== undefined) {
    return {
      mode: "module",
      webhooks: file.webhooks_config,
      connections: file.connections_config ?? "connections.json",
      namespace,
    };
  }
  if (usesEtcd(file)) return { mode: "etcd", etcd: connectorEtcd(file), namespace };
  return {
    mode: "http",
    defaultTarget: file.default_target,
    targets: new Map(Object.entries(file.targets ?? {})),
  };
}

async function readTls(file: ConnectorFile): Promise<PemTexts> {
  const { ca_cert_path: ca, client_cert_path: cert, client_key_path: key } = file;
  try {
    const names = { ca: "ca_cert_path", cert: "client_cert_path", key: "client_key_path" };
    return await readPemFiles({ ca, cert, key }, names);
  } catch (error) {
    if (!(error instanceof PemFileError)) throw error;
    throw new StartupError("settings_invalid", [error.message], { cause: error.cause });
  }
}

function plainTextWarning(cloudUrl: string): string[] {
  const { protocol, hostname } = new URL(cloudUrl);
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return protocol === "http:" && !isLocal
    ? ["cloud_url is not encrypted: token and events can be read on the way, use https"]
    : [];
}

/** Variables that begin like those of the connector and are none: a setting that would be ignored silently. */
function misspellings(environment: Environment): string[] {
  return Object.keys(environment)
    // Kubernetes sets the others beside a service named `connector`.
    .filter((name) => /^CONNECTOR_(?!SERVICE_|PORT)/.test(name) && !(name in CONNECTOR_VARIABLES))
    .map((name) =>
      `${name} is not a variable of the connector: nearest is ${
        closestString(name, Object.keys(CONNECTOR_VARIABLES))
      }`
    );
}
