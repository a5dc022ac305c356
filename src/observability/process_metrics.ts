/**
 * Metrics of the process: its memory, its processor time, its start and its version.
 *
 * @module
 */

import type { Metrics } from "./metrics.ts";

const LAG_INTERVAL_MS = 500;
const LAG_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/**
 * Registers what Prometheus shows about every process, and how late the event loop is: a histogram, since
 * a gauge read every 15 seconds would miss the stall that an operator looks for. Disposal stops the timer
 * that measures it.
 *
 * @param version the gateway's version
 */
export function registerProcessMetrics(metrics: Metrics, version: string): Disposable {
  metrics.gaugeFrom(
    "cwm_build_info",
    "The running version; the value is always 1",
    () => [[{ version, deno: Deno.version.deno }, 1]],
  );
  metrics.gaugeFrom(
    "process_resident_memory_bytes",
    "Resident memory size in bytes",
    () => Deno.memoryUsage().rss,
  );
  metrics.gaugeFrom(
    "process_start_time_seconds",
    "Start time of the process since the Unix epoch in seconds",
    () => performance.timeOrigin / 1_000,
  );
  metrics.counterFrom(
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds",
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000_000;
    },
  );
  registerDescriptors(metrics);
  return measureEventLoopLag(metrics);
}

/** Only Linux says how many files are open, and how many may be. */
function registerDescriptors(metrics: Metrics): void {
  if (Deno.build.os !== "linux") return;
  metrics.gaugeFrom("process_open_fds", "Number of open file descriptors", countOpenFiles);
  metrics.gaugeFrom("process_max_fds", "Maximum number of open file descriptors", mostOpenFiles);
}

function countOpenFiles(): number {
  // From Linux 6.2 on the size of the folder is the number of its files.
  const { size } = Deno.statSync("/proc/self/fd");
  return size > 0 ? size : Array.from(Deno.readDirSync("/proc/self/fd")).length;
}

function mostOpenFiles(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}

function measureEventLoopLag(metrics: Metrics): Disposable {
  const lag = metrics.histogram(
    "cwm_event_loop_lag_seconds",
    "How late a timer fired that runs every half second",
    [],
    LAG_BUCKETS,
  ).with();
  let due = performance.now() + LAG_INTERVAL_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    lag.observe(Math.max(0, now - due) / 1_000);
    due = now + LAG_INTERVAL_MS;
  }, LAG_INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
