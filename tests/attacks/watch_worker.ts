/**
 * The thread of a {@linkcode Watch}. It is told a process and a port, says when the process has answered for
 * the first time, and answers every further message with what it has seen.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { setTimeout as sleep } from "node:timers/promises";
import { type Observation, residentBytes } from "./watch.ts";

const SAMPLE_MS = 50;
const PAUSE_MS = 20;
const REQUEST = new TextEncoder().encode("GET /livez HTTP/1.1\r\nHost: watch\r\nConnection: close\r\n\r\n");

/** Rises with what is seen. */
type Seen = { -readonly [Figure in keyof Observation]: Observation[Figure] };

const seen: Seen = { firstBytes: 0, peakBytes: 0, longestSilenceMs: 0, answers: 0, refusals: 0 };
let askedAt: number | undefined;

self.onmessage = ({ data }: MessageEvent<"observe" | { readonly pid: number; readonly port: number }>) => {
  if (data === "observe") {
    if (askedAt !== undefined) noteSilence(askedAt);
    return self.postMessage(seen);
  }
  setInterval(() => noteMemory(data.pid), SAMPLE_MS);
  noteMemory(data.pid);
  void askForLife(data.port);
};

function noteMemory(pid: number): void {
  const bytes = residentBytes(pid);
  if (seen.firstBytes === 0) seen.firstBytes = bytes;
  seen.peakBytes = Math.max(seen.peakBytes, bytes);
}

async function askForLife(port: number): Promise<never> {
  for (;;) {
    askedAt = performance.now();
    if (await answersTwoHundred(port)) {
      noteSilence(askedAt);
      if (seen.answers++ === 0) self.postMessage("begun");
    } else {
      seen.refusals++;
    }
    askedAt = undefined;
    await sleep(PAUSE_MS);
  }
}

function noteSilence(since: number): void {
  seen.longestSilenceMs = Math.max(seen.longestSilenceMs, performance.now() - since);
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
