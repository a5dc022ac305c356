import { median } from "./etcd_report.ts";

/** How fast an output is, and how fast the bare client. */
export interface OutputRow {
  readonly name: string;
  readonly eventsPerSecond: number;
  readonly floorEventsPerSecond: number;
  /** The least ratio of the two; `ceiling` where the other is what could be reached at best. @default 0.8 */
  readonly target?: number | "ceiling";
}

/** The row of rounds that were measured in turn. */
export function medianRow(name: string, measured: readonly number[], floor: readonly number[]): OutputRow {
  return { name, eventsPerSecond: median(measured), floorEventsPerSecond: median(floor) };
}
