/// <reference lib="deno.worker" />
/**
 * A worker that watches nothing: its thread hangs in a call of the system, as in one on a mount whose server is gone,
 * until somebody opens the other end of the first path, a named pipe.
 */

import type { ToWatchWorker } from "../../src/config/file/watch/protocol.ts";

self.onmessage = ({ data }: MessageEvent<ToWatchWorker>) => {
  if (data.type === "open") return;
  Deno.openSync(data.paths[0]!, { read: true }).close();
  self.postMessage({ type: "followed", order: data.order });
};
