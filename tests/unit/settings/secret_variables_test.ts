import { assertEquals } from "@std/assert";
import { SECRET_VARIABLES } from "../../../src/settings/table.ts";

Deno.test("variables with secrets of the program are known as such", () => {
  const names = [
    "ADMIN_TOKEN",
    "ETCD_PASSWORD",
    "ETCD_OPERATOR_PASSWORD",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "https_proxy",
    "http_proxy",
    "JOURNAL",
    "RELAY_QUEUE",
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
