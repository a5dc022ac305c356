/**
 * Hostile senders on a thread of their own, so that making their bodies takes no time of those that measure.
 * It is told where to send, says what was answered, and stops when it is told so.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { HostileSenders } from "../attacks/hostile_sender.ts";
import { SeededRandom } from "../faults/random.ts";
import type { Answer } from "../attacks/victim.ts";

/** What the thread is told first. */
export interface HostileOrders {
  readonly port: number;
  readonly seed: number;
  readonly count: number;
  /** How long each of them waits after a request, in milliseconds. */
  readonly pauseMs: number;
  readonly webhooks: readonly string[];
}

/** What the thread says: an answer to a request, or that it has stopped, after so many requests. */
export type HostileNews = (Answer & { readonly webhook: string }) | { readonly sent: number };

let senders: HostileSenders | undefined;

self.onmessage = async ({ data }: MessageEvent<HostileOrders | "stop">) => {
  if (data !== "stop") {
    const { seed, ...orders } = data;
    senders = new HostileSenders({
      ...orders,
      random: new SeededRandom(seed),
      onAnswer: (answer, { webhook }) => tell({ ...answer, webhook }),
    });
    return;
  }
  await senders?.stop();
  tell({ sent: senders?.sent ?? 0 });
};

function tell(news: HostileNews): void {
  self.postMessage(news);
}
