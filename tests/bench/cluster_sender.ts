/// <reference lib="deno.worker" />
/**
 * Sends events at an even rate to each of several gateways, whether answers come or not, and tells how they were
 * answered. It is a worker, since answers would hold up whoever measures something else meanwhile.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { orderBodies } from "./bodies.ts";

/** What is to be sent. */
export interface ClusterLoad {
  readonly urls: readonly string[];
  /** Events a second, to each. */
  readonly rate: number;
  readonly seconds: number;
}

/** How it was answered. */
export interface ClusterAnswers {
  readonly accepted: number;
  readonly refused: number;
  /** 99th percentile of the time from when an event was due until its 200, in milliseconds. */
  readonly p99Ms: number;
}

const BODIES = orderBodies(1_000);

self.onmessage = async ({ data: { urls, rate, seconds } }: MessageEvent<ClusterLoad>) => {
  const startedAt = performance.now();
  const answers: Promise<number | undefined>[] = [];
  for (let number = 0; number < rate * seconds; number++) {
    const due = startedAt + number * 1000 / rate;
    const wait = due - performance.now();
    // The pace of the load.
    if (wait > 0) await sleep(wait);
    for (const url of urls) answers.push(post(url, BODIES[number % BODIES.length]!, due));
  }
  const times = (await Promise.all(answers)).filter((time) => time !== undefined).sort((a, b) => a - b);
  const result: ClusterAnswers = {
    accepted: times.length,
    refused: answers.length - times.length,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? NaN,
  };
  self.postMessage(result);
  self.close();
};

/** How long it took, in milliseconds; `undefined` unless the answer was 200. */
async function post(url: string, body: string, due: number): Promise<number | undefined> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", body, headers });
  await answer.body?.cancel();
  return answer.status === 200 ? performance.now() - due : undefined;
}
