/// <reference lib="deno.worker" />
/**
 * The thread that ends the process when its main thread is held up.
 *
 * @module
 */

import { type EndOrder, openProcessEnd } from "./process_end.ts";

const end = openProcessEnd();

self.addEventListener("message", ({ data }: MessageEvent<EndOrder>) => {
  setTimeout(() => end?.(data.status), data.milliseconds);
  self.postMessage("waiting");
});
