/// <reference lib="deno.worker" />
/**
 * The worker that watches files: looking at a mount whose server is gone holds up this thread, and the gateway's own
 * never.
 *
 * @module
 */

import { DirectoryWatcher } from "../directory_watcher.ts";
import type { FromWatchWorker, ToWatchWorker } from "./protocol.ts";

let watcher: DirectoryWatcher | undefined;
let following: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<ToWatchWorker>) => {
  if (data.type === "open") {
    watcher = new DirectoryWatcher({
      debounceMs: data.debounceMs,
      onChange: () => reply({ type: "changed" }),
      onUnwatchable: (directory, reason) => reply({ type: "unwatchable", directory, reason }),
    });
    return;
  }
  const { order, paths } = data;
  // A watcher cannot follow two ways at a time.
  following = following.then(async () => {
    await watcher?.follow(paths);
    reply({ type: "followed", order });
  });
};

function reply(message: FromWatchWorker): void {
  self.postMessage(message);
}
