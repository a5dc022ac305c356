/** How fast an output is, and how fast the bare client. */
export interface OutputRow {
  readonly name: string;
  readonly eventsPerSecond: number;
  readonly floorEventsPerSecond: number;
  /** The least ratio of the two; `ceiling` where the other is what could be reached at best. @default 0.8 */
  readonly target?: number | "ceiling";
}
