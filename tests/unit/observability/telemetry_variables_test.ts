import { assertEquals } from "@std/assert";
import { loadSettings } from "../../../src/settings/load.ts";

const on = { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" };
const cases: readonly [env: Record<string, string>, warned: string[]][] = [
  [{}, []],
  [on, []],
  [{ ...on, OTEL_METRIC_EXPORT_INTERVAL: "200", OTEL_EXPORTER_OTLP_TIMEOUT: "" }, []],
  [{ ...on, OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" }, ["OTEL_EXPORTER_OTLP_ENDPOINT"]],
  [{ ...on, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "collector" }, ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]],
  [{ ...on, OTEL_BSP_SCHEDULE_DELAY: "5s" }, ["OTEL_BSP_SCHEDULE_DELAY"]],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" }, ["OTEL_EXPORTER_OTLP_ENDPOINT"]],
  [{ ...on, OTEL_EXPORTER_OTLP_ENDPOINT: "htp://user:secret@h" }, ["OTEL_EXPORTER_OTLP_ENDPOINT"]],
];

Deno.test("variables of OpenTelemetry that the runtime ignores in silence are warned of at the start", () => {
  for (const [env, warned] of cases) {
    const warnings = loadSettings(env, { logIsTerminal: false }).warnings.filter((text) =>
      text.includes("OTEL_")
    );
    assertEquals(warnings.map((text) => text.split(" ")[0] ?? ""), warned, JSON.stringify(env));
    assertEquals(warnings.join().includes("secret"), false);
  }
});
