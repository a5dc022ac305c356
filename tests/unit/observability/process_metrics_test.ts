import { assert, assertMatch } from "@std/assert";
import { Metrics } from "../../../src/observability/metrics.ts";
import { registerProcessMetrics } from "../../../src/observability/process_metrics.ts";
import { eventually } from "../../support/eventually.ts";

function value(metrics: Metrics, name: string): number {
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(metrics.render())?.[1]);
}

Deno.test("process metrics tell memory, start time, CPU time and version", () => {
  const metrics = new Metrics();
  using _running = registerProcessMetrics(metrics, "1.2.3");
  assert(value(metrics, "process_resident_memory_bytes") > 1_000_000);
  const started = value(metrics, "process_start_time_seconds");
  assert(started < Date.now() / 1_000 && started > Date.now() / 1_000 - 86_400);
  const before = value(metrics, "process_cpu_seconds_total");
  assert(before > 0);
  while (value(metrics, "process_cpu_seconds_total") === before) JSON.stringify(metrics);
  assertMatch(
    metrics.render(),
    new RegExp(`cwm_build_info{version="1.2.3",deno="${Deno.version.deno}"} 1\n`),
  );
});

Deno.test("process metrics measure the event loop until they are disposed", async () => {
  const metrics = new Metrics();
  using _running = registerProcessMetrics(metrics, "1.2.3");
  await eventually(() => assert(value(metrics, "cwm_event_loop_lag_seconds_count") > 0));
});
