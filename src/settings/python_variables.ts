/**
 * Environment variables of the Python original that this program does not read, and what to use instead.
 *
 * @module
 */

const IN_JOURNAL = "not needed: the figures of /stats are kept in the journal";
const BEHIND_TOKEN = "not needed: /stats is read with a token";
const WITHOUT_NAMES = "not needed: /openapi.json names no webhook";

/** What is said about each variable that is the service's alone. */
const INSTEAD: Readonly<Record<string, string>> = {
  TRUSTED_PROXY_IPS: "use TRUSTED_PROXIES",
  ...sameFor("use ADMIN_TOKEN", ["CONFIG_RELOAD_ADMIN_TOKEN", "WEBHOOK_CONNECT_ADMIN_TOKEN"]),
  MAX_CONCURRENT_TASKS: "use 'limits' of webhooks",
  TASK_TIMEOUT: "use DELIVERY_BUDGET_MS and 'timeout' of outputs",
  ...sameFor("use RELAY_QUEUE", ["WEBHOOK_CONNECT_RABBITMQ_URL", "WEBHOOK_CONNECT_REDIS_URL"]),
  ...sameFor("not needed: files are always watched", [
    "CONFIG_FILE_WATCHING_ENABLED",
    "CONFIG_RELOAD_DEBOUNCE_SECONDS",
  ]),
  ALLOW_LOCALHOST_FOR_TESTS: "use 'allowed_hosts' of http_webhook",
  ...sameFor("not needed", [
    "ALLOW_PRIVATE_IP_CONNECTIONS",
    "DEFAULT_ENDPOINT_RATE_LIMIT",
    "WEBHOOK_CONNECT_ENABLED",
  ]),
  ...sameFor(BEHIND_TOKEN, [
    "STATS_ALLOWED_IPS",
    "STATS_RATE_LIMIT",
    "STATS_SANITIZE_IDS",
  ]),
  DISABLE_OPENAPI_DOCS: WITHOUT_NAMES,
  ...sameFor("not built yet: set such headers in the proxy in front", [
    "CSP_POLICY",
    "FORCE_HTTPS",
  ]),
};

/**
 * Names that others use too, and references in webhooks. They are spoken of only beside one of the names above,
 * which shows that the environment is that of the Python service.
 */
const INSTEAD_OF_SHARED: Readonly<Record<string, string>> = {
  REDIS_HOST: IN_JOURNAL,
  REDIS_PORT: IN_JOURNAL,
  RABBITMQ_URL: "use RELAY_QUEUE",
  ROOT_PATH: WITHOUT_NAMES,
  ...sameFor("use references in connections, such as '{$AWS_REGION}'", [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
  ]),
  GOOGLE_APPLICATION_CREDENTIALS: "use 'credentials_path' of 'gcp_pubsub' connections",
};

/**
 * One sentence that names the variables that are set without effect, and what to use in their place. Values
 * are never shown. `undefined` when there is none.
 */
export function unreadVariables(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const isSet = (name: string) => (env[name] ?? "").trim() !== "";
  const own = Object.keys(INSTEAD).filter(isSet);
  if (own.length === 0) return undefined;
  const names = [...own, ...Object.keys(INSTEAD_OF_SHARED).filter(isSet)];
  const groups = Map.groupBy(names, (name) => INSTEAD[name] ?? INSTEAD_OF_SHARED[name]);
  const parts = Array.from(groups, ([instead, ofIt]) => `${ofIt.join(", ")} (${instead})`);
  return `Variables of the Python service that are set and not read here: ${parts.join("; ")}`;
}

function sameFor(instead: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, instead]));
}
