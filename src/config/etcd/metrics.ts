import type { Metrics, Reading } from "../../observability/metrics.ts";
import type { EtcdProviderStats } from "./stats.ts";

/** Metrics of the connection to etcd, asked for at each scrape. */
export function registerEtcdMetrics(metrics: Metrics, stats: () => EtcdProviderStats): void {
  metrics.gaugeFrom(
    "cwm_etcd_watch_connected",
    "Whether a watch is confirmed and alive (1) or not (0).",
    () => stats().watchConnected ? 1 : 0,
  );
  metrics.gaugeFrom(
    "cwm_etcd_last_applied_revision",
    "The revision up to which all changes are applied; 0 before the first load.",
    () => stats().lastAppliedRevision,
  );
  metrics.gaugeFrom(
    "cwm_etcd_last_sync_timestamp_seconds",
    "When etcd was last known to hold what is applied; 0 before the first load.",
    () => (stats().lastSyncAt ?? 0) / 1000,
  );
  metrics.counterFrom(
    "cwm_etcd_events_total",
    "Changes of keys that came through the watch and were applied.",
    () => stats().events,
  );
  metrics.counterFrom(
    "cwm_etcd_relists_total",
    "Complete lists by the reason for them.",
    () => byReason(stats().lists),
  );
  metrics.counterFrom(
    "cwm_etcd_disconnects_total",
    "Ended watches and failed attempts to connect by reason.",
    () => byReason(stats().ends),
  );
  metrics.counterFrom(
    "cwm_etcd_mass_deletes_held_total",
    "Lists that were held back for a second one, since they would have removed most keys.",
    () => stats().massDeletes,
  );
}

function byReason(counts: Readonly<Record<string, number | undefined>>): Reading[] {
  return Object.entries(counts).map(([reason, count]) => [{ reason }, count ?? 0]);
}
