/**
 * The thread of a {@linkcode Watch}. It is told a process and a port, says when the process has answered for
 * the first time, and answers every further message with what it has seen.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { setTimeout as sleep } from "node:timers/promises";
import { type Observation, processorMs, residentBytes } from "./watch.ts";

const SAMPLE_MS = 50;
const PAUSE_MS = 20;
const REQUEST = new TextEncoder().encode("GET /livez HTTP/1.1\r\nHost: watch\r\nConnection: close\r\n\r\n");

/** Rises with what is seen. */
type Seen = { -readonly [Figure in keyof Observation]: Observation[Figure] };

const seen: Seen = {
  firstBytes: 0,
  peakBytes: 0,
  longestSilenceMs: 0,
  longestBusyMs: 0,
  answers: 0,
  refusals: 0,
};
/** When the process was asked for a sign of life that has not come yet, and how long it had computed then. */
let asked: { readonly at: number; readonly processorMs: number } | undefined;
let pid = 0;

self.onmessage = ({ data }: MessageEvent<"observe" | { readonly pid: number; readonly port: number }>) => {
  if (data === "observe") {
    noteSilence();
    return self.postMessage(seen);
  }
  ({ pid } = data);
  setInterval(noteMemory, SAMPLE_MS);
  noteMemory();
  void askForLife(data.port);
};

function noteMemory(): void {
  const bytes = residentBytes(pid);
  if (seen.firstBytes === 0) seen.firstBytes = bytes;
  seen.peakBytes = Math.max(seen.peakBytes, bytes);
}

async function askForLife(port: number): Promise<never> {
  for (;;) {
    asked = { at: performance.now(), processorMs: processorMs(pid) };
    if (await answersTwoHundred(port)) {
      noteSilence();
      if (seen.answers++ === 0) self.postMessage("begun");
    } else {
      seen.refusals++;
    }
    asked = undefined;
    await sleep(PAUSE_MS);
  }
}

function noteSilence(): void {
  if (asked === undefined) return;
  seen.longestSilenceMs = Math.max(seen.longestSilenceMs, performance.now() - asked.at);
  seen.longestBusyMs = Math.max(seen.longestBusyMs, processorMs(pid) - asked.processorMs);
}

async function answersTwoHundred(port: number): Promise<boolean> {
  const answer = new Uint8Array(64);
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(REQUEST);
    const count = await connection.read(answer);
    return new TextDecoder().decode(answer.subarray(0, count ?? 0)).startsWith("HTTP/1.1 200");
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
