/**
 * Destinations on a thread of their own, so that what they are sent takes no time of those that measure. It says
 * where they listen, and at the end which events they took.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { SeededRandom } from "../faults/random.ts";
import { SoakReceiver } from "./soak_receiver.ts";

/** What the thread is told: to begin, to have its destinations behave from now on, or to end. */
export type ReceiverOrder = { readonly seed: number } | "behave" | "end";

/** What the thread says: where its destination listens, or which events it took until it ended. */
export type ReceiverNews = { readonly url: string } | { readonly taken: ReadonlySet<string> };

let receiver: SoakReceiver | undefined;

self.onmessage = async ({ data }: MessageEvent<ReceiverOrder>) => {
  if (data === "behave") {
    if (receiver !== undefined) receiver.isOver = true;
    return;
  }
  if (data === "end") {
    const taken = receiver?.taken ?? new Set();
    await receiver?.[Symbol.asyncDispose]();
    return tell({ taken });
  }
  receiver = await SoakReceiver.start(new SeededRandom(data.seed));
  tell({ url: receiver.url });
};

function tell(news: ReceiverNews): void {
  self.postMessage(news);
}
