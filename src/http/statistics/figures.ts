/**
 * How many requests each webhook has accepted, in windows from a minute to a month.
 *
 * A window is made of slots, such as a day of hours, and is exact to one of them: what has come within the oldest
 * slot that it reaches into counts as a whole. A webhook takes a third of a kilobyte, whatever is sent to it.
 *
 * @module
 */

/** A tier of slots: how long one is, in milliseconds, and how many are kept. */
interface Tier {
  readonly span: number;
  readonly count: number;
  /** Where its first slot stands in a row. */
  readonly offset: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const TIERS = tiers([[MINUTE / 6, 7], [MINUTE, 6], [5 * MINUTE, 13], [HOUR, 25], [DAY, 31]]);
const ROW = TIERS.reduce((sum, { count }) => sum + count, 0);

/** Every window, by the name that the Python service gives it: its tier, and how many slots it reaches over. */
const WINDOWS = {
  minute: [0, 7],
  "5_minutes": [1, 6],
  "15_minutes": [2, 4],
  "30_minutes": [2, 7],
  hour: [2, 13],
  day: [3, 25],
  week: [4, 8],
  month: [4, 31],
} as const;

/** A key of the windows. */
export type Window = keyof typeof WINDOWS;

/** The windows in their order. */
export const WINDOW_NAMES = Object.keys(WINDOWS) as readonly Window[];

/** The figures of one webhook. */
export type WebhookFigures = Readonly<Record<"total" | Window, number>>;

/** Rows that are kept together. */
export const PAGE_ROWS = 64;

function tiers(given: readonly (readonly [span: number, count: number])[]): readonly Tier[] {
  let offset = 0;
  return given.map(([span, count]) => {
    const tier = { span, count, offset };
    offset += count;
    return tier;
  });
}

/** A page as it is kept. */
export interface KeptPage {
  /** When it was true, in milliseconds since 1970. */
  readonly at: number;
  /** `namespace/id` of the webhook of each row; empty for a row of none. */
  readonly names: readonly string[];
  readonly totals: readonly number[];
  /** The slots of each row as pairs of place and count, those of zero left out. */
  readonly slots: readonly (readonly number[])[];
}

/** A number of rows, each the figures of a webhook. */
export class FiguresPage {
  /** `namespace/id` of the webhook of each row; empty for a row of none. */
  readonly names: string[] = Array<string>(PAGE_ROWS).fill("");
  readonly #totals = new Float64Array(PAGE_ROWS);
  readonly #slots = new Uint32Array(PAGE_ROWS * ROW);
  #at: number;
  /** Whether anything has changed since it was kept. */
  isChanged = false;

  /** @param at now, in milliseconds since 1970 */
  constructor(at: number) {
    this.#at = at;
  }

  /** @param kept as `keep` made it */
  static from(kept: KeptPage): FiguresPage {
    const page = new FiguresPage(kept.at);
    for (const [row, name] of kept.names.slice(0, PAGE_ROWS).entries()) page.names[row] = name;
    for (const [row, slots] of kept.slots.slice(0, PAGE_ROWS).entries()) {
      page.#totals[row] = kept.totals[row] ?? 0;
      for (let index = 0; index + 1 < slots.length; index += 2) {
        const place = slots[index]!;
        if (place >= 0 && place < ROW) page.#slots[row * ROW + place] = slots[index + 1]!;
      }
    }
    return page;
  }

  /** Moves on to a time: what has fallen out of a window is taken out. The clock may have been set back. */
  advance(now: number): void {
    for (const { span, count, offset } of TIERS) {
      const former = Math.floor(this.#at / span);
      const steps = Math.min(count, Math.max(0, Math.floor(now / span) - former));
      for (let step = 1; step <= steps; step++) this.#clear(offset + (former + step) % count);
    }
    this.#at = Math.max(now, this.#at);
  }

  #clear(place: number): void {
    for (let at = place; at < this.#slots.length; at += ROW) this.#slots[at] = 0;
  }

  /** Adds to a row at the time that the page was moved on to. */
  add(row: number, count: number): void {
    this.#totals[row]! += count;
    for (const { span, count: slots, offset } of TIERS) {
      this.#slots[row * ROW + offset + Math.floor(this.#at / span) % slots]! += count;
    }
    this.isChanged = true;
  }

  /** The row is that of no webhook any more. */
  clear(row: number): void {
    this.names[row] = "";
    this.#totals[row] = 0;
    this.#slots.fill(0, row * ROW, (row + 1) * ROW);
    this.isChanged = true;
  }

  figuresOf(row: number): WebhookFigures {
    const figures: Record<string, number> = { total: this.#totals[row]! };
    for (const name of WINDOW_NAMES) {
      const [tier, reach] = WINDOWS[name];
      const { span, count, offset } = TIERS[tier]!;
      const current = Math.floor(this.#at / span);
      let sum = 0;
      for (let back = 0; back < reach; back++) {
        sum += this.#slots[row * ROW + offset + (current - back + count) % count]!;
      }
      figures[name] = sum;
    }
    return figures as WebhookFigures;
  }

  keep(): KeptPage {
    const rows = this.names.map((_, row) => this.#slots.subarray(row * ROW, (row + 1) * ROW));
    return {
      at: this.#at,
      names: this.names,
      totals: [...this.#totals],
      slots: rows.map((slots) => [...slots.entries()].filter(([, count]) => count > 0).flat()),
    };
  }
}
