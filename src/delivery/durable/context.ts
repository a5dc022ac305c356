import type { Deadlines } from "../../time/deadlines.ts";
import type { EventMetrics } from "../event_metrics.ts";
import type { Journal, LaneKey } from "../../journal/journal.ts";
import type { RouteLookup } from "../route.ts";
import type { MemoryBudget } from "./memory_budget.ts";
import type { Stops } from "../stops/stops.ts";
import type { OutcomeRecorder } from "./outcome_recorder.ts";

/** What all lanes share. */
export interface LaneContext {
  readonly journal: Journal;
  readonly recorder: OutcomeRecorder;
  readonly metrics: EventMetrics;
  readonly budget: MemoryBudget;
  readonly deadlines: Deadlines;
  readonly stops: Stops;
  readonly lookUp: (lane: LaneKey) => RouteLookup;
  /** Whether all lanes know if the journal holds earlier events of theirs. */
  readonly knowsJournal: boolean;
  /** The time by `steadyNow`. */
  readonly now: () => number;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
}
