/**
 * The table of environment variables: parsing, `--help` and the documentation follow from it.
 *
 * @module
 */

import { DEFAULT_JSON_BOUNDS } from "../json/scan.ts";
import { MAX_PORT } from "../schema/addresses.ts";
import { SECRET_SOURCE_VARIABLES } from "./secrets.ts";
import {
  baseUrl,
  choice,
  host,
  integer,
  list,
  matching,
  network,
  onOff,
  origin,
  paths,
  rate,
  secret,
  secretPath,
  text,
  trueOrFalse,
} from "./types.ts";
import { ETCD_LOGIN_VARIABLES, ETCD_OPERATOR_VARIABLES, ETCD_SERVER_VARIABLES } from "./etcd.ts";
import { JOURNAL_VARIABLES } from "./journal/journal.ts";
import { optional, type ValuesOf, variable } from "./variable.ts";
import { TLS_VARIABLES } from "./tls.ts";
import { OUTPUT_BOUND_VARIABLES } from "./output_bounds.ts";
import { otherNameOf } from "./proxies.ts";

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

/** The rule of `event/names.ts`, which stands above this file. */
const NAMESPACE = /^[a-zA-Z0-9_-]{1,64}$/;
/** As `event/names.ts` has it, too. */
const WEBHOOK = /^[a-zA-Z0-9_-]{1,64}\/(?=.{1,64}$)[a-zA-Z0-9](?:\.?[a-zA-Z0-9_-])*$/;
const REDIS_URL = /^rediss?:\/\/[^\s/?#]+(\/\d*)?(\?\S*)?$/;
const VISIBLE_ASCII = /^[\x21-\x7e]{16,}$/;

/** A body is held in memory, and as text: V8's strings end at 512 MiB. */
const MAX_ALLOWED_BODY_BYTES = 256 * 1024 * 1024;
const HOUR_MS = 60 * 60 * 1000;
const TEN_MINUTES_MS = 10 * 60 * 1000;
const TEBIBYTE = 1024 ** 4;

/** Every environment variable by its name. */
export const VARIABLES = {
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
    secretPath(),
    "The file backend's webhooks. The gateway is not ready before a file that is named here was read.",
    "(`webhooks.json` in `CONFIG_DIR`)",
  ),
  CONNECTIONS_CONFIG_FILE: optional(
    secretPath(),
    "The file backend's connections. The gateway is not ready before a file that is named here was read.",
    "(`connections.json` in `CONFIG_DIR`)",
  ),
  WEBHOOKS_CONFIG_FILES: optional(
    paths(),
    "The file backend's webhooks in several files, instead: each is merged into those before it (JSON Merge Patch, " +
      "RFC 7396), such as `base.json,production.json`.",
  ),
  CONNECTIONS_CONFIG_FILES: optional(
    paths(),
    "The file backend's connections in several files, instead, in the same way.",
  ),
  ...ETCD_SERVER_VARIABLES,
  ETCD_NAMESPACE: variable(
    matching("namespace", (value) => NAMESPACE.test(value), "have 1 to 64 characters of a-z A-Z 0-9 _ -"),
    "default",
    "Namespace of requests to `/webhook/{webhook_id}`.",
  ),
  ...ETCD_LOGIN_VARIABLES,
  ...ETCD_OPERATOR_VARIABLES,
  CONFIG_SNAPSHOT_FILE: optional(
    secretPath("path, or `none`"),
    "Keeps the last good configuration, to start from while etcd cannot be reached or a file is broken, and for keys " +
      "whose newest value is bad. `none`: nothing is kept.",
    "(in `config` in `DATA_DIR`)",
  ),
  POLICY_FILE: optional(
    secretPath(),
    "What namespaces may do, see `src/policy/README.md`. Until it could be read once, nothing is served.",
    "(the key `global/policy` in etcd, if there is one)",
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
  ...JOURNAL_VARIABLES,
  HOST: variable(host(), "0.0.0.0", "Address to listen on; `::` for IPv4 and IPv6."),
  PORT: variable(integer(0, MAX_PORT), 8000, "Port to listen on; 0 for any free one."),
  REUSE_PORT: variable(
    onOff(),
    false,
    "`on`: several instances on one Linux machine listen on `PORT`, all with `on`, as the same user, and each with a " +
      "`DATA_DIR` of its own, so that they use all of its cores. See `docker/README.md`.",
    "off",
  ),
  INSTANCE_PORT: optional(
    integer(0, MAX_PORT),
    "Another port that answers in the same way and is this instance's alone, for probes, Prometheus and commands where " +
      "instances share `PORT`; 0 for any free one.",
  ),
  ...TLS_VARIABLES,
  LOG_LEVEL: variable(choice("debug", "info", "warning", "error"), "info", "Least severe messages to log."),
  LOG_FORMAT: optional(
    choice("text", "json"),
    "Form of the log lines.",
    "(text on a terminal, otherwise json)",
  ),
  MAX_BODY_BYTES: variable(
    integer(1, MAX_ALLOWED_BODY_BYTES, "bytes"),
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
    "How many connections may be open at once, on Linux: for each one more, a request gets 503 and its connection is closed. With `REUSE_PORT`, those of all instances on the port.",
    "(any number)",
  ),
  NAMESPACE_RATE_LIMIT: optional(
    rate(),
    "How many requests the webhooks of a namespace take together in a time, such as `6000/60`: more get 429. " +
      "Each namespace has a count of its own, in each instance; with `JOURNAL`, all instances count together.",
    "(any number)",
  ),
  DELIVERY_BUDGET_MS: variable(
    integer(1, TEN_MINUTES_MS, "ms"),
    10_000,
    "How long a request with `accept: delivered` may wait for its output, retries included. A first attempt " +
      "may take as long as its output's time-out.",
  ),
  SWITCH_OFF_AFTER_MS: variable(
    integer(0, 365 * 24 * HOUR_MS, "ms"),
    HOUR_MS,
    "For how long a webhook's target may take nothing before the webhook is switched off, unless its `switch_off` " +
      "says otherwise. `0`: for any time.",
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
    "Bearer token of the admin routes, that of an admin of all namespaces; they answer 403 while neither it nor " +
      "`ADMIN_TOKENS_FILE` is set. Commands present it, or any other admin token, to a gateway that runs.",
  ),
  ADMIN_TOKENS_FILE: optional(
    secretPath(),
    "File (JSON) with more tokens of the admin routes, as their hashes, each with a role and namespaces: see " +
      "`src/access/README.md`. A changed file is taken up without a restart.",
  ),
  METRICS_TOKEN: optional(
    secret(
      (value) => VISIBLE_ASCII.test(value),
      "have at least 16 characters, all visible ASCII without spaces",
    ),
    "Bearer token that `/metrics` then asks for; admin tokens do as well, and show what belongs to their namespaces.",
    "(`/metrics` is open)",
  ),
  TRUSTED_PROXIES: variable(
    list(network()),
    [],
    "Proxies whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host headers are believed.",
    "(none)",
  ),
  PUBLIC_URL: optional(
    baseUrl("https://hooks.example.com"),
    "Where senders reach the gateway, for methods that sign the URL; with a path where a proxy takes one away. " +
      "Never `Host` alone.",
    "(`X-Forwarded-Proto` and `X-Forwarded-Host` of trusted proxies)",
  ),
  CLIENT_CERTIFICATE_HEADERS: optional(
    choice("nginx", "traefik", "envoy"),
    "In whose headers proxies of `TRUSTED_PROXIES` say which client certificates they have verified, for " +
      "`client_certificate`. HAProxy and Caddy can write those of nginx.",
  ),
  REQUIRE_AUTH: variable(
    trueOrFalse(),
    false,
    'Whether a webhook without authentication is a problem, and not served, unless it says `"auth": "none"`.',
  ),
  CORS_ALLOWED_ORIGINS: variable(
    list(origin()),
    [],
    "Origins of pages that browsers may let send to webhooks without `cors`, such as `https://shop.example`.",
    "(none)",
  ),
  DEFAULT_WEBHOOK: variable(
    onOff(),
    false,
    "Whether requests to webhooks that do not exist get the webhook `default` of their namespace, as in the " +
      "Python service.",
    "off",
  ),
  NOTIFY_WEBHOOK: optional(
    matching(
      "namespace/id",
      (value) => WEBHOOK.test(value),
      "be the namespace and the id of a webhook, such as ops/notices",
    ),
    "The webhook that gets notices when an output is down, a dead letter arises, a secret no longer matches or " +
      "configuration is refused. See `src/notices/README.md`.",
    "(nobody gets any)",
  ),
  EVENT_LOG_CONNECTION: optional(
    matching("connection", (value) => value.trim() !== "", "be the name of a connection of type clickhouse"),
    "The name of a connection of type `clickhouse`: every accepted event is noted in its table `EVENT_LOG_TABLE` as well, beside " +
      "whatever its webhook does with it. Nobody waits for that, and what cannot be noted is counted.",
    "(events are not noted)",
  ),
  EVENT_LOG_TABLE: variable(
    matching("table", (value) => value.trim() !== "", "be the name of a table"),
    "webhook_logs",
    "The table for `EVENT_LOG_CONNECTION`, with the columns of the module `clickhouse`.",
  ),
  EVENT_LOG_CREATE_TABLE: variable(
    onOff(),
    false,
    "Whether that table is made where it does not exist.",
    "off",
  ),
  METRICS: variable(onOff(), true, "Whether `/metrics` is served.", "on"),
  METRICS_WEBHOOKS: variable(
    integer(0, 1_000_000),
    1_000,
    "How many webhooks have series of their own in `/metrics`: those that are used first. The others are summed as `_others`.",
  ),
  STATS: variable(
    choice("on", "kept", "off"),
    "on",
    "Whether `/stats` is served: how many requests each webhook has accepted, in windows from a minute to a month. " +
      "The figures survive a restart where there is a journal; `kept` begins one for them.",
  ),
  STATS_AUTH_TOKEN: optional(
    secret((value) => /^[\x21-\x7e]{16,}$/.test(value), "have at least 16 characters of visible ASCII"),
    "A further token for `/stats`, as `Authorization: Bearer` or alone. Those of admin routes are taken, too.",
  ),
  REQUEST_ID_HEADER: variable(
    choice("always", "errors"),
    "always",
    "Which answers have the header `X-Request-Id`. `errors` leaves it out where an event was accepted, whose id the body has too: small requests then take a tenth less.",
  ),
  ...OUTPUT_BOUND_VARIABLES,
  ...SECRET_SOURCE_VARIABLES,
} as const;

/** The values of all variables. */
export type Values = ValuesOf<typeof VARIABLES>;

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

/** Where the runtime reads what its collector of telemetry asks for: keys, mostly. */
const TELEMETRY_HEADERS = ["", "TRACES_", "METRICS_", "LOGS_"].map((kind) =>
  `OTEL_EXPORTER_OTLP_${kind}HEADERS`
);

/**
 * The variables whose values are secrets of the program itself. What a configuration says may be written by
 * others than the operator, so references cannot read them.
 */
export const SECRET_VARIABLES: ReadonlySet<string> = new Set([
  ...SETTING_DEFINITIONS.filter(({ secret }) => secret)
    .flatMap(({ variable }) => [variable, otherNameOf(variable)]),
  ...TELEMETRY_HEADERS,
]);

/** The files and directories with secrets of the program that variables name. */
export function namedSecretFiles(values: Values): readonly string[] {
  return Object.entries(VARIABLES).flatMap(([name, { type }]) =>
    type.namesSecret === true
      ? [(values as Readonly<Record<string, unknown>>)[name] ?? []].flat() as string[]
      : []
  );
}
