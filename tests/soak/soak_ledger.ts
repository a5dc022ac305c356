/** The books of a soak: what was answered, how fast, and which events must arrive. */

/** The answer to one request. */
export interface Noted {
  /** 0 for none. */
  readonly status: number;
  /** From when the request was due, in milliseconds. */
  readonly ms: number;
  readonly eventId: string | undefined;
  readonly code: string | undefined;
}

/** What one webhook's senders have seen. */
export interface Sheet {
  accepted: number;
  /** How often each answer other than 200 was given, by status and code. */
  readonly refusals: Map<string, number>;
  /** Of the phase that is going on. */
  durations: number[];
}

/** Everything is kept in memory, and nothing of it asked of the gateway. */
export class SoakLedger {
  /** Ids of events that were answered 200. */
  readonly accepted = new Set<string>();
  readonly sheets = new Map<string, Sheet>();

  note(webhook: string, { status, ms, eventId, code }: Noted): void {
    const sheet = this.sheet(webhook);
    sheet.durations.push(ms);
    if (status === 200 && eventId !== undefined) {
      sheet.accepted++;
      this.accepted.add(eventId);
      return;
    }
    const what = `${status} ${code ?? ""}`;
    sheet.refusals.set(what, (sheet.refusals.get(what) ?? 0) + 1);
  }

  /** The sheet of a webhook, an empty one at first. */
  sheet(webhook: string): Sheet {
    const known = this.sheets.get(webhook);
    if (known !== undefined) return known;
    const sheet = { accepted: 0, refusals: new Map<string, number>(), durations: [] };
    this.sheets.set(webhook, sheet);
    return sheet;
  }

  /** Begins a phase: durations of the one before are returned by webhook, and forgotten. */
  turnPage(): ReadonlyMap<string, readonly number[]> {
    return new Map(Array.from(this.sheets, ([webhook, sheet]) => {
      const { durations } = sheet;
      sheet.durations = [];
      return [webhook, durations];
    }));
  }
}
