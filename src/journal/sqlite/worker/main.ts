/// <reference lib="deno.worker" />
/**
 * The journal's worker: a disk that is slow holds up this thread, and the gateway's own never.
 *
 * @module
 */

import type { Commit, FromWorker, ToWorker } from "../protocol.ts";
import { bodiesToMove, releaseBodies } from "./large_bodies.ts";
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
      if (store !== undefined) execute(store, data.commit);
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

function execute(opened: Store, commit: Commit): void {
  const done = opened.execute(commit);
  self.postMessage(done satisfies FromWorker, bodiesToMove(commit, done));
  releaseBodies(commit);
}

function reply(message: FromWorker): void {
  self.postMessage(message);
}
