/**
 * What a gateway shows of its journal and lets operators do with it.
 *
 * @module
 */

import type { JournalFile, JournalStore } from "../journal/journal_store.ts";
import type { Metrics } from "../observability/metrics.ts";

/** Figures that each of the instances has of all of them; none where there is one instance. */
export function registerClusterMetrics(metrics: Metrics, journal: JournalStore): void {
  if (journal.cluster === undefined) return;
  metrics.gaugeFrom(
    "cwm_cluster_instances",
    "Instances that share the journal.",
    () => journal.cluster?.().gateways ?? [],
  );
  metrics.gaugeFrom(
    "cwm_cluster_events_pending",
    "Events of the journal that all instances have not delivered yet.",
    () => journal.cluster?.().pending ?? [],
  );
}

/**
 * What can be done with a journal that is a file; `undefined` for one that is none.
 *
 * @param recover has what was taken over delivered at once
 */
export function journalFileOf(
  { file }: JournalStore,
  recover: () => Promise<void>,
): Pick<JournalFile, "hold" | "release" | "salvageSetAside"> | undefined {
  return file && {
    hold: () => file.hold(),
    release: (hold) => file.release(hold),
    salvageSetAside: async (name) => {
      try {
        return await file.salvageSetAside(name);
      } finally {
        await recover();
      }
    },
  };
}
