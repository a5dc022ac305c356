/**
 * Attempts that failed, as a gateway counts them: each of them is a reason for an event to be there again, since its
 * destination may have it all the same.
 *
 * @module
 */

/** Counted since the start of the gateway. */
export interface FailedAttempts {
  /** Of events in the journal, by error code. */
  readonly durable: ReadonlyMap<string, number>;
  /** Of events whose senders wait. */
  readonly delivered: ReadonlyMap<string, number>;
}

const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/;

/**
 * Asks a gateway.
 *
 * @param gateway its URL, without a path
 * @throws {Error} when it gives no metrics
 */
export async function failedAttempts(gateway: string): Promise<FailedAttempts> {
  const answer = await fetch(`${gateway}/metrics`);
  if (!answer.ok) throw new Error(`${gateway}/metrics answers ${answer.status}`);
  const samples = (await answer.text()).split("\n").map((line) => SAMPLE.exec(line) ?? []);
  const counted = (metric: string, keyOf: (labels: string) => string) => {
    const counts = new Map<string, number>();
    for (const [, name, labels = "", value] of samples) {
      if (name !== metric) continue;
      const key = keyOf(labels);
      counts.set(key, (counts.get(key) ?? 0) + Number(value));
    }
    return counts;
  };
  return {
    durable: counted(
      "cwm_delivery_attempts_failed_total",
      (labels) => /code="(\w+)"/.exec(labels)?.[1] ?? "",
    ),
    delivered: counted("cwm_output_retries_total", () => "tried again"),
  };
}

/** Those of one kind that failed since then, and a text with each of them. */
export function failedSince(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
): { readonly count: number; readonly text: string } {
  const since = Array.from(now, ([key, count]) => [key, count - (before.get(key) ?? 0)] as const)
    .filter(([, count]) => count > 0);
  return {
    count: since.reduce((sum, [, count]) => sum + count, 0),
    text: since.map(([key, count]) => `${count} ${key}`).join(", ") || "none",
  };
}
