/** How fast gateways that share a journal find out that one of them is gone, and how long faults of theirs last. */
export interface Times {
  /** Between two signs of life, in milliseconds. */
  readonly beatMs: number;
  /** Without one for so long a gateway counts as gone, in milliseconds. */
  readonly deadMs: number;
  /** Without a confirmed one for so long a gateway delivers nothing, in milliseconds. */
  readonly deliveryLimitMs: number;
}

/** What operators get unless they say something else. */
export const REAL_TIMES: Times = { beatMs: 3_000, deadMs: 15_000, deliveryLimitMs: 10_000 };

/** A tenth of it, for runs of many faults. */
export const SHORT_TIMES: Times = { beatMs: 300, deadMs: 1_500, deliveryLimitMs: 1_000 };
