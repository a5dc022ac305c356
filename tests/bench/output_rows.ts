/** How fast an output is, and how fast the bare client. */
export interface OutputRow {
  readonly name: string;
  readonly eventsPerSecond: number;
  readonly floorEventsPerSecond: number;
}
