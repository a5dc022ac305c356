/// <reference lib="deno.worker" />
/**
 * The journal's worker: a disk that is slow holds up this thread, and the gateway's own never.
 *
 * @module
 */

import type { FromWorker, ToWorker } from "../protocol.ts";
import { Store } from "./store.ts";

/** How often it is looked whether the files are still there, in milliseconds. */
const LOOK_MS = 400;

let store: Store | undefined;

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case "open":
      store = new Store(data.options, reply);
      reply(store.open());
      setInterval(() => store?.look(), LOOK_MS);
      return;
    case "commit":
      if (store !== undefined) reply(store.execute(data.commit));
      return;
    case "hold":
      if (store !== undefined) reply(store.hold());
      return;
    case "release":
      if (store !== undefined) reply(store.release(data.hold));
      return;
    case "close":
      return reply({ type: "closed", problem: store?.close() ?? "" });
  }
};

function reply(message: FromWorker): void {
  self.postMessage(message);
}
