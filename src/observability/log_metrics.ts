import type { Metrics } from "./metrics.ts";

/** Registers the counter of what the gateway's log lost. @param dropped how many records, asked at each scrape */
export function registerLogMetrics(metrics: Metrics, dropped: () => number = () => 0): void {
  metrics.counterFrom(
    "cwm_log_records_dropped_total",
    "Records of the gateway's log that were lost, since its reader was too slow or the write failed.",
    dropped,
  );
}
