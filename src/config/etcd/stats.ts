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
  /** Keys of ours that are known. */
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
