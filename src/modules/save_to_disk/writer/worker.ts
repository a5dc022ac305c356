/// <reference lib="deno.worker" />
/**
 * The worker that writes files of one file system: a disk that is slow, or hangs, holds up this thread, and those that
 * its own calls wait in. In a thread of its own it need not give every call to another one, which takes longer than
 * the call where nothing has to be waited for.
 *
 * @module
 */

import { FileSetWriter } from "./file_set.ts";
import type { FromDiskWorker, OrderedFile, ToDiskWorker } from "./protocol.ts";

const writer = new FileSetWriter();
const cancelled = new Set<number>();
const underWay = new Set<number>();

self.onmessage = async ({ data }: MessageEvent<ToDiskWorker>) => {
  const { order } = data;
  if (data.type === "cancel") {
    if (underWay.has(order)) cancelled.add(order);
    return;
  }
  underWay.add(order);
  const files = [...withContents(data.files, data.contents)];
  const outcomes = await writer.write(data.directory, files, () => cancelled.has(order));
  underWay.delete(order);
  cancelled.delete(order);
  self.postMessage({ order, outcomes } satisfies FromDiskWorker);
};

function* withContents(files: readonly OrderedFile[], contents: Uint8Array) {
  let at = 0;
  for (const file of files) yield { ...file, content: contents.subarray(at, at += file.size) };
}
