/**
 * Variables of OpenTelemetry, which the runtime reads: those that it ignores in silence are spoken of at the start.
 *
 * @module
 */

/** Whole numbers of milliseconds. */
const TIMES = ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_EXPORTER_OTLP_TIMEOUT"];

/** What has the runtime send anything at all. */
const ON = new Set(["true", "1"]);

/** One sentence for each variable whose value has no effect. Values may hold a secret, and are not shown. */
export function telemetryWarnings(env: Readonly<Record<string, string | undefined>>): string[] {
  const set = Object.keys(env).filter((name) => name.startsWith("OTEL_EXPORTER_OTLP_") && env[name] !== "");
  if (!ON.has(env["OTEL_DENO"] ?? "")) {
    const [first] = set;
    return first === undefined
      ? []
      : [`${first} has no effect, since OTEL_DENO is not true: no telemetry is sent`];
  }
  const endpoints = set.filter((name) => name.endsWith("ENDPOINT") && !isHttpUrl(env[name] ?? ""));
  const times = TIMES.filter((name) => !/^\d*$/.test(env[name] ?? ""));
  return [
    ...endpoints.map((name) =>
      `${name} is ignored, since it is no http or https URL: see 'http://HOST:4318'`
    ),
    ...times.map((name) => `${name} is ignored, since it is no whole number of milliseconds`),
  ];
}

function isHttpUrl(text: string): boolean {
  return ["http:", "https:"].includes(URL.parse(text)?.protocol ?? "");
}
