/**
 * What the provider counts, and the metrics made of it.
 *
 * @module
 */

import type { Metrics, Reading } from "../../observability/metrics.ts";
import type { ListReason } from "./session.ts";
import type { EndReason } from "./session_end.ts";

/** What the provider counts, for metrics. All counters begin at 0 with the process. */
export interface EtcdProviderStats {
  /** Whether a watch is confirmed and alive. */
  readonly watchConnected: boolean;
  /** The revision up to which all changes are applied; 0 before the first load. */
  readonly lastAppliedRevision: number;
  /** When etcd was last known to hold what is applied, in milliseconds since 1970. */
  readonly lastSyncAt: number | undefined;
  /** Changes of keys that came through the watch and were applied. */
  readonly events: number;
  /** Complete lists by the reason for them. */
  readonly lists: Readonly<Partial<Record<ListReason, number>>>;
  /** Ended sessions and failed attempts by reason. */
  readonly ends: Readonly<Partial<Record<EndReason, number>>>;
  /** Keys of the gateway that are known. */
  readonly keys: number;
  /** Lists that were held back since they would have removed most keys. */
  readonly massDeletes: number;
  /** Snapshots written. */
  readonly snapshots: number;
}

/** Counts by name. */
export class Counts<Name extends string> {
  readonly values: Partial<Record<Name, number>> = {};

  increment(name: Name): void {
    this.values[name] = (this.values[name] ?? 0) + 1;
  }
}

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
