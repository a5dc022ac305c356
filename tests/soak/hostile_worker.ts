/**
 * Hostile senders on a thread of their own. They prepare what they will send, are told where to send it, say what was
 * answered, and stop when they are told so.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { HostileRequests } from "../attacks/hostile_request.ts";
import { HostileSenders, type SlowRequest } from "../attacks/hostile_sender.ts";
import type { Answer } from "../attacks/victim.ts";
import { SeededRandom } from "../faults/random.ts";

/** What the thread is told: what to prepare, to begin, or to stop. */
export type HostileOrder =
  | { readonly seed: number; readonly webhooks: readonly string[] }
  | {
    readonly port: number;
    readonly count: number;
    /** How long each of them waits after a request, in milliseconds. */
    readonly pauseMs: number;
  }
  | "stop";

/** What the thread says: that it is prepared, an answer to a request, or that it has stopped, after so many. */
export type HostileNews =
  | "prepared"
  | (Answer & { readonly webhook: string })
  | { readonly sent: number; readonly longest: SlowRequest };

let requests: HostileRequests | undefined;
let senders: HostileSenders | undefined;

self.onmessage = async ({ data }: MessageEvent<HostileOrder>) => {
  if (data === "stop") {
    await senders?.stop();
    if (senders !== undefined) tell({ sent: senders.sent, longest: senders.longest });
  } else if ("seed" in data) {
    requests = new HostileRequests(new SeededRandom(data.seed), data.webhooks);
    await requests.prepare();
    tell("prepared");
  } else if (requests !== undefined) {
    const onAnswer = (answer: Answer, { webhook }: { readonly webhook: string }) =>
      tell({ ...answer, webhook });
    senders = new HostileSenders({ ...data, requests, onAnswer });
  }
};

function tell(news: HostileNews): void {
  self.postMessage(news);
}
