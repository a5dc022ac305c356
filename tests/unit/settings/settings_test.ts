import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isNamespace } from "../../../src/event/names.ts";
import { StartupError } from "../../../src/errors.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { SETTING_DEFINITIONS } from "../../../src/settings/table.ts";
import type { Settings } from "../../../src/settings/settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

function load(env: Environment): Settings {
  return loadSettings(env, { logIsTerminal: false });
}

/** The lines that an operator reads when the start fails; empty when it does not. */
function problemsOf(env: Environment): readonly string[] {
  try {
    load(env);
    return [];
  } catch (error) {
    if (error instanceof StartupError && error.code === "settings_invalid") return error.problems;
    throw error;
  }
}

const SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

Deno.test("settings look for files in CONFIG_DIR unless they are named", () => {
  const filesOf = (env: Readonly<Record<string, string>>) =>
    loadSettings(env, { logIsTerminal: false }).files;
  assertEquals(filesOf({ CONFIG_DIR: "/config" }), {
    webhooks: "/config/webhooks.json",
    connections: "/config/connections.json",
    named: [],
  });
  assertEquals(
    filesOf({ CONFIG_DIR: "/config", CONNECTIONS_CONFIG_FILE: "c.json", WEBHOOKS_CONFIG_FILE: "" }),
    {
      webhooks: "/config/webhooks.json",
      connections: "c.json",
      named: ["connections"],
    },
  );
});

Deno.test("settings have the documented defaults when no variable is set", () => {
  assertEquals(load({}), {
    configBackend: "file",
    files: { webhooks: "webhooks.json", connections: "connections.json", named: [] },
    etcd: { endpoints: ["http://localhost:2379"], prefix: "/cwm/" },
    etcdOperator: { endpoints: ["http://localhost:2379"], prefix: "/cwm/" },
    degraded: { afterMs: 60_000, isUnready: false },
    defaultNamespace: "default",
    snapshot: { file: "data/config/file.snapshot", makesDirectory: true },
    dataDir: "./data",
    journal: { maxBytes: 10 * 1024 ** 3, retentionMs: 0, retentionBytes: 1024 ** 3 },
    host: "0.0.0.0",
    port: 8000,
    sharesPort: false,
    log: { level: "info", format: "json" },
    limits: {
      maxBodyBytes: 10_485_760,
      maxJsonDepth: 1_000,
      maxJsonValues: 1_000_000,
      bodyTimeoutMs: 30_000,
      maxInFlight: 4096,
      maxInFlightBytes: 1_073_741_824,
      deliveryBudgetMs: 10_000,
      switchOffAfterMs: 3_600_000,
    },
    shutdown: { graceMs: 8000, timeoutMs: 5000 },
    trustedProxies: [],
    auth: { isRequired: false, missing: ["CLIENT_CERTIFICATE_HEADERS"] },
    corsOrigins: [],
    metrics: true,
    statistics: { isKept: false },
    metricsWebhooks: 1_000,
    defaultWebhook: false,
    requestIdHeader: "always",
    outputBounds: {},
    secrets: {
      ownFiles: [
        ".env",
        SERVICE_ACCOUNT_TOKEN,
        "connections.json",
        "data/config/etcd.snapshot",
        "data/config/file.snapshot",
        "data/journal",
        "webhooks.json",
      ],
    },
    warnings: [],
  });
});

Deno.test("settings take every variable", () => {
  const settings = load({
    CONFIG_BACKEND: "etcd",
    WEBHOOKS_CONFIG_FILE: "/etc/cwm/webhooks.json",
    CONNECTIONS_CONFIG_FILE: "/etc/cwm/connections.json",
    ETCD_HOST: "unused.example",
    ETCD_PORT: "1",
    ETCD_ENDPOINTS: "https://a.example:2379, b.example:2380/ ,[::1]:2379",
    ETCD_PREFIX: "/team/cwm/",
    ETCD_NAMESPACE: "production",
    ETCD_USERNAME: "reader",
    CONFIG_DEGRADED_AFTER_SECONDS: "300",
    UNREADY_WHEN_DEGRADED: "on",
    ETCD_PASSWORD: "password, with = signs",
    ETCD_TLS_CA: "/tls/ca.pem",
    ETCD_TLS_CERT: "/tls/client.pem",
    ETCD_TLS_KEY: "/tls/client.key",
    ETCD_OPERATOR_USERNAME: "me",
    ETCD_OPERATOR_PASSWORD_FILE: "/run/operator/etcd",
    CONFIG_SNAPSHOT_FILE: "/var/lib/cwm/snapshot.json",
    DATA_DIR: "/var/lib/cwm",
    HOST: "::",
    PORT: "0",
    LOG_LEVEL: "debug",
    LOG_FORMAT: "text",
    MAX_BODY_BYTES: "1000",
    MAX_JSON_DEPTH: "999",
    MAX_JSON_VALUES: "998",
    BODY_TIMEOUT_MS: "1001",
    MAX_INFLIGHT: "1002",
    MAX_INFLIGHT_BYTES: "1003",
    MAX_CONNECTIONS: "1006",
    DELIVERY_BUDGET_MS: "1004",
    SHUTDOWN_GRACE_MS: "0",
    SHUTDOWN_TIMEOUT_MS: "1005",
    ADMIN_TOKEN: "0123456789abcdef",
    TRUSTED_PROXIES: "10.0.0.0/8, ::1",
    PUBLIC_URL: "https://Hooks.Example.com:443/in/",
    CLIENT_CERTIFICATE_HEADERS: "nginx",
    REQUIRE_AUTH: "true",
    CORS_ALLOWED_ORIGINS: "https://shop.example, http://localhost:3000",
    METRICS: "off",
    DEFAULT_WEBHOOK: "on",
    REQUEST_ID_HEADER: "errors",
    SECRETS_DIR: "/run/secrets",
    SAVE_TO_DISK_ROOTS: "/srv/events/, /data/*/in",
    RQ_FUNCTIONS: "shop.tasks.*",
    VAULT_PATHS: "teams/{namespace}, shared/*/",
    VAULT_TOKEN_FILE: "/vault/token",
    VAULT_SECRET_ID_FILE: "/vault/secret-id",
  });
  assertEquals(settings, {
    configBackend: "etcd",
    files: {
      webhooks: "/etc/cwm/webhooks.json",
      connections: "/etc/cwm/connections.json",
      named: ["webhooks", "connections"],
    },
    etcd: {
      endpoints: ["https://a.example:2379", "https://b.example:2380", "https://[::1]:2379"],
      prefix: "/team/cwm/",
      credentials: { username: { text: "reader" }, password: { text: "password, with = signs" } },
      tls: { caFile: "/tls/ca.pem", certFile: "/tls/client.pem", keyFile: "/tls/client.key" },
    },
    // Of what the gateway logs in with, an operator has nothing.
    etcdOperator: {
      endpoints: ["https://a.example:2379", "https://b.example:2380", "https://[::1]:2379"],
      prefix: "/team/cwm/",
      credentials: { username: { text: "me" }, password: { file: "/run/operator/etcd" } },
      tls: { caFile: "/tls/ca.pem" },
    },
    degraded: { afterMs: 300_000, isUnready: true },
    defaultNamespace: "production",
    snapshot: { file: "/var/lib/cwm/snapshot.json", makesDirectory: false },
    dataDir: "/var/lib/cwm",
    journal: { maxBytes: 10 * 1024 ** 3, retentionMs: 0, retentionBytes: 1024 ** 3 },
    host: "::",
    port: 0,
    sharesPort: false,
    log: { level: "debug", format: "text" },
    limits: {
      maxBodyBytes: 1000,
      maxJsonDepth: 999,
      maxJsonValues: 998,
      bodyTimeoutMs: 1001,
      maxInFlight: 1002,
      maxInFlightBytes: 1003,
      maxConnections: 1006,
      deliveryBudgetMs: 1004,
      switchOffAfterMs: 3_600_000,
    },
    shutdown: { graceMs: 0, timeoutMs: 1005 },
    adminToken: "0123456789abcdef",
    trustedProxies: ["10.0.0.0/8", "::1"],
    publicUrl: "https://hooks.example.com/in",
    auth: { isRequired: true, clientCertificates: "nginx", missing: [] },
    corsOrigins: ["https://shop.example", "http://localhost:3000"],
    metrics: false,
    statistics: { isKept: false },
    metricsWebhooks: 1_000,
    defaultWebhook: true,
    requestIdHeader: "errors",
    outputBounds: { directories: ["/srv/events/", "/data/*/in"], functions: ["shop.tasks.*"] },
    secrets: {
      directory: "/run/secrets",
      vaultPaths: ["teams/{namespace}", "shared/*"],
      ownFiles: [
        ".env",
        "/etc/cwm/connections.json",
        "/etc/cwm/webhooks.json",
        "/run/operator/etcd",
        "/tls/client.key",
        "/tls/client.pem",
        "/var/lib/cwm/config/etcd.snapshot",
        "/var/lib/cwm/config/file.snapshot",
        "/var/lib/cwm/journal",
        "/var/lib/cwm/snapshot.json",
        SERVICE_ACCOUNT_TOKEN,
        "/vault/secret-id",
        "/vault/token",
      ],
    },
    warnings: [],
  });
});

Deno.test("settings count an empty or blank variable as not set, and drop whitespace around a value", () => {
  const blank = Object.fromEntries(SETTING_DEFINITIONS.map(({ variable }) => [variable, " \n"]));
  assertEquals(load(blank), load({}));
  assertEquals(load({ PORT: " 9000\n" }).port, 9000);
});

Deno.test("settings log as text on a terminal unless LOG_FORMAT says otherwise", () => {
  assertEquals(loadSettings({}, { logIsTerminal: true }).log.format, "text");
  assertEquals(loadSettings({ LOG_FORMAT: "json" }, { logIsTerminal: true }).log.format, "json");
});

Deno.test("settings take words in any case", () => {
  assertEquals(load({ LOG_LEVEL: "WARNING", METRICS: "Off" }).log.level, "warning");
});

Deno.test("settings report all problems at once, a line each, with the variable, rule and value", () => {
  assertEquals(
    problemsOf({
      CONFIG_BACKEND: "redis",
      PORT: "8000x",
      MAX_INFLIGHT: "0",
      BODY_TIMEOUT_MS: "1e3",
      ETCD_PREFIX: "cwm",
      ETCD_NAMESPACE: "a/b",
      TRUSTED_PROXIES: "10.0.0.0/8,proxy,10.0.0.0/33",
      PUBLIC_URL: "https://hooks.example.com/?token=hunter2",
      ETCD_USERNAME: "reader",
      METRICS: "maybe",
    }),
    [
      `CONFIG_BACKEND must be 'file' or 'etcd': current value is "redis"`,
      `ETCD_PREFIX must begin and end with '/', for example /cwm/: current value is "cwm"`,
      `ETCD_NAMESPACE must have 1 to 64 characters of a-z A-Z 0-9 _ -: current value is "a/b"`,
      `PORT must be a whole number from 0 to 65535: current value is "8000x"`,
      `BODY_TIMEOUT_MS must be a whole number of ms from 1 to 3600000: current value is "1e3"`,
      `MAX_INFLIGHT must be a whole number of requests from 1 to 1000000: current value is "0"`,
      `TRUSTED_PROXIES entry 2 must be an IP address or a network such as 10.0.0.0/8: current value is "proxy"`,
      `TRUSTED_PROXIES entry 3 must be an IP address or a network such as 10.0.0.0/8: current value is "10.0.0.0/33"`,
      "PUBLIC_URL must be a URL such as https://hooks.example.com, without user, query and fragment: " +
      "its value is not shown",
      `METRICS must be 'on' or 'off': current value is "maybe"`,
      `ETCD_USERNAME and ETCD_PASSWORD must be set together: ETCD_PASSWORD is not set, nor is ETCD_PASSWORD_FILE`,
    ],
  );
});

Deno.test("settings take name and password of etcd from files, and not from two places", () => {
  assertEquals(
    load({ ETCD_USERNAME_FILE: "/run/name", ETCD_PASSWORD_FILE: "/run/password" }).etcd.credentials,
    { username: { file: "/run/name" }, password: { file: "/run/password" } },
  );
  assertEquals(load({ ETCD_USERNAME: "reader", ETCD_PASSWORD_FILE: "/run/password" }).etcd.credentials, {
    username: { text: "reader" },
    password: { file: "/run/password" },
  });
  assertEquals(
    problemsOf({ ETCD_USERNAME: "reader", ETCD_PASSWORD: "secret", ETCD_PASSWORD_FILE: "/run/password" }),
    ["ETCD_PASSWORD and ETCD_PASSWORD_FILE must not be set together: remove one of them"],
  );
});

Deno.test("settings keep control characters and long values from breaking the line", () => {
  const [problem] = problemsOf({ CONFIG_BACKEND: `a\nPORT is fine\x1b[2J${"x".repeat(10_000)}` });
  assert(problem !== undefined && problem.length < 200);
  assertMatch(problem, /^[\x20-\x7e…]+$/);
});

Deno.test("settings take whole numbers within the range only", () => {
  for (
    const port of [
      "-1",
      "+1",
      "1.0",
      "1e3",
      "0x50",
      "08",
      "8 0",
      "1_000",
      "65536",
      "99999999999999999999",
      "NaN",
    ]
  ) {
    assertEquals(problemsOf({ PORT: port }).length, 1, `took '${port}'`);
  }
  assertEquals(load({ PORT: "65535" }).port, 65535);
});

Deno.test("settings do not take etcd endpoints with credentials in them, and do not show them", () => {
  const problems = problemsOf({ ETCD_ENDPOINTS: "http://root:hunter2@etcd.example:2379" });
  assertEquals(problems.length, 1);
  assert(!problems.join("\n").includes("hunter2"));
});

Deno.test("settings take user and password, and certificate and key, in pairs only", () => {
  assertEquals(problemsOf({ ETCD_PASSWORD: "p" }).length, 1);
  assertEquals(problemsOf({ ETCD_TLS_CERT: "c", ETCD_TLS_CA: "a" }).length, 1);
  assertEquals(problemsOf({ ETCD_TLS_KEY: "k" }).length, 1);
  assertEquals(load({ ETCD_TLS_CA: "a" }).etcd.tls, { caFile: "a" });
  assertEquals(problemsOf({ TLS_CERT: "c" }), [
    "TLS_CERT and TLS_KEY must be set together: TLS_KEY is not set",
  ]);
  assertEquals(problemsOf({ TLS_KEY: "k" }), [
    "TLS_CERT and TLS_KEY must be set together: TLS_CERT is not set",
  ]);
});

Deno.test("settings build the etcd endpoint from host and port, over https where TLS is configured", () => {
  const endpoint = (env: Environment) => load(env).etcd.endpoints;
  assertEquals(endpoint({ ETCD_HOST: "etcd_1.example", ETCD_PORT: "2380" }), ["http://etcd_1.example:2380"]);
  assertEquals(endpoint({ ETCD_HOST: "192.0.2.1", ETCD_TLS_CA: "a" }), ["https://192.0.2.1:2379"]);
  assertEquals(endpoint({ ETCD_HOST: "::1" }), ["http://[::1]:2379"]);
  assertEquals(endpoint({ ETCD_HOST: "[::1]" }), ["http://[::1]:2379"]);
});

Deno.test("settings do not take a host that is none", () => {
  for (
    const name of [
      "http://etcd",
      "etcd:2379",
      "a b",
      "-etcd",
      "etcd..example",
      "999.1.1.1",
      "1",
      "[etcd]",
      "::g",
    ]
  ) {
    assertEquals(problemsOf({ ETCD_HOST: name }).length, 1, `took '${name}'`);
    assertEquals(problemsOf({ HOST: name }).length, 1, `took '${name}'`);
  }
});

Deno.test("settings do not take etcd endpoints that are incomplete or mixed", () => {
  const refused = [
    "etcd",
    "http://etcd",
    "etcd:0",
    "etcd:65536",
    "ftp://etcd:2379",
    "http://etcd:2379/v3",
    "::1:2379",
  ];
  for (
    const endpoints of [...refused, "etcd:2379,", ",", "http://a:2379,https://b:2379", "[]:2379", ":2379"]
  ) {
    assert(problemsOf({ ETCD_ENDPOINTS: endpoints }).length > 0, `took '${endpoints}'`);
  }
  assertEquals(problemsOf({ ETCD_ENDPOINTS: "http://a:2379", ETCD_TLS_CA: "ca.pem" }).length, 1);
});

Deno.test("settings do not take an etcd prefix that would run into the namespace", () => {
  for (const prefix of ["/cwm", "cwm/", "cwm", "//", "/a//b/", "/a b/"]) {
    assertEquals(problemsOf({ ETCD_PREFIX: prefix }).length, 1, `took '${prefix}'`);
  }
  assertEquals(load({ ETCD_PREFIX: "/" }).etcd.prefix, "/");
});

Deno.test("settings do not allow all bodies together less than one body", () => {
  assertEquals(problemsOf({ MAX_INFLIGHT_BYTES: "1000" }), [
    "MAX_INFLIGHT_BYTES must not be less than MAX_BODY_BYTES: current values are 1000 and 10485760",
  ]);
});

Deno.test("settings judge a default namespace as configuration keys are judged", () => {
  const name = fc.string({ unit: fc.constantFrom(..."aZ09_-./ \u00e4"), minLength: 1, maxLength: 70 });
  fc.assert(fc.property(name.filter((text) => text.trim() === text), (namespace) => {
    assertEquals(problemsOf({ ETCD_NAMESPACE: namespace }).length === 0, isNamespace(namespace));
  }));
});

Deno.test("settings name variables of the Python service that are set and not read, in one warning", () => {
  const [warning, ...others] = load({
    TRUSTED_PROXY_IPS: "10.20.30.40",
    CONFIG_RELOAD_ADMIN_TOKEN: "a-token-of-the-operator",
    WEBHOOK_CONNECT_ADMIN_TOKEN: "another-token",
    STATS_RATE_LIMIT: "61",
    REDIS_HOST: "cache.internal",
    AWS_REGION: "eu-west-1",
    PUBSUB_EMULATOR_HOST: "localhost:8085",
    HSTS_PRELOAD: "",
    ETCD_HOST: "etcd",
  }).warnings;
  assertEquals(others, []);
  assertEquals(
    warning,
    "Variables of the Python service that are set and not read here: TRUSTED_PROXY_IPS (use TRUSTED_PROXIES); " +
      "CONFIG_RELOAD_ADMIN_TOKEN, WEBHOOK_CONNECT_ADMIN_TOKEN (use ADMIN_TOKEN); " +
      "STATS_RATE_LIMIT (not needed: /stats is read with a token); " +
      "REDIS_HOST (not needed: the figures of /stats are kept in the journal); " +
      "AWS_REGION (use references in connections, such as '{$AWS_REGION}')",
  );
});

Deno.test("settings say nothing of variables that the Python service shares with others", () => {
  assertEquals(load({ REDIS_HOST: "cache", AWS_REGION: "eu-west-1", ROOT_PATH: "/" }).warnings, []);
});

Deno.test("settings warn about a misspelt variable and take no notice of others' variables", () => {
  assertEquals(load({ ETCD_ENDPIONTS: "x", MAX_BODY_BYTE: "1" }).warnings, [
    "ETCD_ENDPIONTS is not a variable of this program: did you mean ETCD_ENDPOINTS?",
    "MAX_BODY_BYTE is not a variable of this program: did you mean MAX_BODY_BYTES?",
  ]);
  const others = {
    PATH: "/bin",
    HOSTNAME: "h",
    ETCD_NAME: "node",
    ETCD_DATA_DIR: "/d",
    POST: "1",
    toString: "1",
  };
  assertEquals(load({ ...others, CONNECTOR_ETCD_HOST: "h", ETCDCTL_API: "3" }).warnings, []);
});

Deno.test("settings ignore the port that Kubernetes sets for a service named etcd, and say so", () => {
  const settings = load({ ETCD_PORT: "tcp://10.96.0.17:2379", ETCD_HOST: "etcd" });
  assertEquals(settings.etcd.endpoints, ["http://etcd:2379"]);
  assertEquals(settings.warnings.length, 1);
  assertEquals(problemsOf({ PORT: "tcp://10.96.0.17:8000" }).length, 1);
});

Deno.test("settings never fail with anything but a list of problems, whatever the variables hold", () => {
  const variable = fc.constantFrom(...SETTING_DEFINITIONS.map((definition) => definition.variable));
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("[", "1", "a:1", "[::1]:1", "/", ",,", "%"),
  );
  fc.assert(fc.property(fc.dictionary(variable, value), (env) => {
    const problems = problemsOf(env);
    assert(problems.every((problem) => problem !== "" && !problem.includes("\n")));
  }));
});

Deno.test("setting definitions describe every variable, and their defaults are what they say", () => {
  const { warnings: _, ...defaults } = load({});
  for (const { variable, type, default: shown, description } of SETTING_DEFINITIONS) {
    assertMatch(variable, /^[A-Z][A-Z_]+$/);
    assert(type !== "" && description.endsWith("."), variable);
    if (shown.startsWith("(")) continue;
    const { warnings: _, ...settings } = load({ [variable]: shown });
    assertEquals(settings, defaults, `${variable}=${shown} changes something`);
  }
});

Deno.test("settings stop the start with exit status 2", () => {
  assertEquals(assertThrows(() => load({ PORT: "x" }), StartupError).exitStatus, 2);
});

Deno.test("settings refuse patterns of VAULT_PATHS that no path could match", () => {
  for (const pattern of ["/secret", "a//b", "{team}/x", "a/{namespace", "a b", "a#b", "**//"]) {
    const problems = problemsOf({ VAULT_PATHS: `shared,${pattern}` });
    assertEquals(problems.length, 1, pattern);
    assertStringIncludes(problems[0]!, "VAULT_PATHS entry 2 must have characters");
  }
});
