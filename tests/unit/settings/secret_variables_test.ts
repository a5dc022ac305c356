import { assert, assertEquals } from "@std/assert";
import { StartupError } from "../../../src/errors.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { SECRET_VARIABLES, SETTING_DEFINITIONS } from "../../../src/settings/table.ts";

Deno.test("variables with secrets of the program are known as such", () => {
  const names = [
    "ADMIN_TOKEN",
    "METRICS_TOKEN",
    "ETCD_PASSWORD",
    "ETCD_OPERATOR_PASSWORD",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "https_proxy",
    "http_proxy",
    "JOURNAL",
    "RELAY_QUEUE",
    "STATS_AUTH_TOKEN",
    "TLS_KEY",
    "VAULT_TOKEN",
    "VAULT_ROLE_ID",
    "VAULT_SECRET_ID",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
  ];
  assertEquals([...SECRET_VARIABLES].sort(), names.sort());
});

Deno.test("settings never show the value of a secret", () => {
  const secrets = SETTING_DEFINITIONS.filter((definition) => definition.secret).map(({ variable }) =>
    variable
  );
  assertEquals(secrets, [
    "ETCD_PASSWORD",
    "ETCD_OPERATOR_PASSWORD",
    "RELAY_QUEUE",
    "JOURNAL",
    "TLS_KEY",
    "ADMIN_TOKEN",
    "METRICS_TOKEN",
    "STATS_AUTH_TOKEN",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "VAULT_TOKEN",
    "VAULT_ROLE_ID",
    "VAULT_SECRET_ID",
  ]);
  const problems = problemsOf({
    ETCD_PASSWORD: "hunter2",
    RELAY_QUEUE: "redis:hunter2",
    JOURNAL: "postgres:hunter2",
    TLS_KEY: "-----BEGIN PRIVATE KEY----- hunter2",
    ADMIN_TOKEN: "hunter2",
    METRICS_TOKEN: "hunter2",
    STATS_AUTH_TOKEN: "hunter2",
    HTTPS_PROXY: "socks5://gateway:hunter2@proxy.example",
    HTTP_PROXY: "gateway:hunter2@proxy.example",
    VAULT_TOKEN: "hunter2 hunter2",
    VAULT_ROLE_ID: "hunter2\thunter2",
    VAULT_SECRET_ID: "hunter2 é",
    PORT: "x",
  });
  assertEquals(problems.length, 13);
  assert(!problems.join("\n").includes("hunter2"));
  assertEquals(problemsOf({ ADMIN_TOKEN: "0123456789 abcdef" }).length, 1);
});

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    loadSettings(env, { logIsTerminal: false });
    return [];
  } catch (error) {
    if (error instanceof StartupError && error.code === "settings_invalid") return error.problems;
    throw error;
  }
}
